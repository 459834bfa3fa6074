//! Windows over the window.

use super::ctx::{Ctx, Dialog};

/// What is typed into the open dialog.
#[derive(Clone, Debug, Default)]
pub struct Typed {
    pub text: String,
    pub output: String,
    pub matte: String,
}

pub fn show(_: &egui::Context, _: &mut Option<Dialog>, _: &mut Typed, _: &mut Ctx) {}
