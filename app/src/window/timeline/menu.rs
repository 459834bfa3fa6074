//! The menu of the right button: the commands that concern what is under the pointer.

use super::hit::{Ground, Hit};
use super::select;
use crate::window::command::Command;
use crate::window::ctx::Ctx;
use egui::{Popup, PopupCloseBehavior, SetOpenCommand};

const CLIP: &[Command] = &[
    Command::Split,
    Command::Cut,
    Command::Copy,
    Command::Paste,
    Command::Duplicate,
    Command::Delete,
    Command::RippleDelete,
    Command::CloseGap,
    Command::NewCue,
    Command::MarkSelection,
    Command::ZoomSelection,
];
const LINE: &[Command] = &[
    Command::Render,
    Command::RenderDraft,
    Command::TestFrame,
    Command::SyncOrLeave,
    Command::PlayAround,
    Command::ShowOriginal,
    Command::CompTake,
    Command::MarkSelection,
    Command::Delete,
];
const PLACE: &[Command] = &[
    Command::Paste,
    Command::NewCue,
    Command::AddMarker,
    Command::AddTrack,
    Command::CloseGap,
    Command::SelectAll,
    Command::ZoomAll,
];
const RULER: &[Command] = &[
    Command::MarkIn,
    Command::MarkOut,
    Command::ClearMarks,
    Command::AddMarker,
    Command::Loop,
    Command::ZoomAll,
];

pub fn show(ui: &egui::Ui, ctx: &mut Ctx, ground: &Ground, canvas: &egui::Response) {
    let id = canvas.id.with("menu");
    let (asked, pointer) = ui.input(|i| (i.pointer.secondary_clicked(), i.pointer.interact_pos()));
    let hit =
        pointer.filter(|_| asked && ui.rect_contains_pointer(canvas.rect)).and_then(|at| ground.hit(at));
    if let Some(hit) = hit {
        select::press(&mut ctx.session.selection, hit, false);
        ui.data_mut(|data| data.insert_temp(id, hit));
    }
    let Some(of) = ui.data(|data| data.get_temp::<Hit>(id)) else { return };
    let commands = match of {
        Hit::Clip(..) => CLIP,
        Hit::Cue(..) | Hit::Take(..) => LINE,
        Hit::Ruler | Hit::Mark(_) => RULER,
        Hit::Marker(_) => &[Command::Delete],
        Hit::Person(_) | Hit::Empty => PLACE,
    };
    Popup::context_menu(canvas)
        .id(id)
        .open_memory(hit.map(|_| SetOpenCommand::Bool(true)))
        .at_pointer_fixed()
        .close_behavior(PopupCloseBehavior::CloseOnClick)
        .show(|ui| {
            for command in commands {
                let name = ctx.words.command(*command);
                let keys = ctx.keymap.short(*command);
                if ui.add(egui::Button::new(name).shortcut_text(keys).frame(false)).clicked() {
                    ctx.command(*command);
                }
            }
        });
}
