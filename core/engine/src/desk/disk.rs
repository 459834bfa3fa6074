//! disk

use super::port::Port;
use super::request::Request;
use crate::paths::Paths;
use std::sync::mpsc::Receiver;

pub fn run(_: Paths, _: Port, inbox: Receiver<Request>) {
    for request in inbox {
        if matches!(request, Request::Close) {
            return;
        }
    }
}
