//! Everything that a person can do in the window, as one list: menus, shortcuts, the palette and the manual's page of
//! shortcuts come from it. What a command is called stands in `resources/lang`, its keys in `resources/keymaps`.

macro_rules! commands {
    ($($menu:ident { $($name:ident $id:literal),+ $(,)? })+) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Command {
            $($($name),+),+
        }

        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Menu {
            $($menu),+
        }

        impl Command {
            pub const ALL: &[Command] = &[$($(Command::$name),+),+];

            /// Its name in keymaps; `command-` before it, in the languages' files.
            pub fn id(self) -> &'static str {
                match self {
                    $($(Command::$name => $id),+),+
                }
            }

            pub fn menu(self) -> Menu {
                match self {
                    $($(Command::$name => Menu::$menu),+),+
                }
            }
        }

        impl Menu {
            pub const ALL: &[Menu] = &[$(Menu::$menu),+];

            /// In the languages' files.
            pub fn key(self) -> &'static str {
                match self {
                    $(Menu::$menu => concat!("menu-", stringify!($menu))),+
                }
            }

            pub fn commands(self) -> impl Iterator<Item = Command> {
                Command::ALL.iter().copied().filter(move |command| command.menu() == self)
            }
        }
    };
}

commands! {
    File {
        New "new", Open "open", OpenSample "open-sample", Save "save", SaveAs "save-as",
        Import "import", ImportScript "import-script", ExportScript "export-script",
        Relink "relink", Export "export", Talk "talk", Learn "learn", Quit "quit",
    }
    Edit {
        Undo "undo", Redo "redo", Cut "cut", Copy "copy", Paste "paste", Duplicate "duplicate",
        Delete "delete", RippleDelete "ripple-delete", SelectAll "select-all", SelectNone "select-none",
        Settings "settings",
    }
    Play {
        PlayStop "play", Backward "shuttle-back", Halt "shuttle-stop", Forward "shuttle-forward",
        StepBack "step-back", StepForward "step-forward", LeapBack "leap-back", LeapForward "leap-forward",
        ToStart "to-start", ToEnd "to-end", PreviousEdit "previous-edit", NextEdit "next-edit",
        PlayAround "play-around", Loop "loop", EnterTimecode "enter-timecode",
    }
    Mark {
        MarkIn "mark-in", MarkOut "mark-out", ToIn "to-in", ToOut "to-out", ClearMarks "clear-marks",
        MarkSelection "mark-selection", AddMarker "add-marker",
        NextMarker "next-marker", PreviousMarker "previous-marker",
    }
    Clip {
        Split "split", TrimHead "trim-head", TrimTail "trim-tail",
        RippleTrimHead "ripple-trim-head", RippleTrimTail "ripple-trim-tail",
        NudgeBack "nudge-back", NudgeForward "nudge-forward", CloseGap "close-gap", AddTrack "add-track",
        Snap "snap", ZoomIn "zoom-in", ZoomOut "zoom-out", ZoomAll "zoom-all", ZoomSelection "zoom-selection",
    }
    Line {
        NewCue "new-cue", SyncOrLeave "sync-or-leave", Render "render", RenderDraft "render-draft",
        RenderAll "render-all", TestFrame "test-frame", CancelJobs "cancel-jobs",
        PlaceFace "place-face", TrackFace "track-face",
        SetReference "set-reference", ReferenceHere "reference-here", Advise "advise", ClearReferences "clear-references",
        Score "score", NextWorst "next-worst", NudgeVoice "nudge-voice",
        NextLine "next-line", PreviousLine "previous-line", NextUnsynced "next-unsynced",
        ShowOriginal "show-original", Take1 "take-1", Take2 "take-2", Take3 "take-3", Take4 "take-4",
        Take5 "take-5", Take6 "take-6", Take7 "take-7", Take8 "take-8", Take9 "take-9",
        CompTake "comp-take",
    }
    View {
        ShowDub "show-dub", ShowFilm "show-film", Flip "flip", Wipe "wipe", SideBySide "side-by-side",
        Difference "difference", Matte "matte", Boxes "boxes", SafeAreas "safe-areas", BurnIn "burn-in",
        ViewFit "view-fit", ViewOne "view-one", ViewIn "view-in", ViewOut "view-out",
        FullScreen "full-screen", Larger "larger", Smaller "smaller", ResetLayout "reset-layout",
    }
    Help {
        Manual "manual", Palette "palette", Shortcuts "shortcuts", NextLanguage "next-language", FirstSteps "first-steps",
        About "about",
    }
}
