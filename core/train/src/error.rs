//! What can go wrong in training and in making training material.

#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    #[error(
        "cannot speak: libespeak-ng.so.1 is not installed ({cause}); install the package libespeak-ng1 \
         (Debian, Ubuntu) or espeak-ng"
    )]
    NoSpeechLibrary { cause: String },
    #[error(
        "libespeak-ng.so.1 cannot be used: it has no function {name} ({cause}); install espeak-ng 1.50 or newer"
    )]
    SpeechLibraryTooOld { name: &'static str, cause: String },
    #[error(
        "espeak-ng cannot start (code {code}): its voice data is missing; install the package espeak-ng-data"
    )]
    NoSpeechData { code: i32 },
    #[error("espeak-ng has no voice '{voice}'; `espeak-ng --voices` lists the installed ones")]
    NoVoice { voice: String },
    #[error("espeak-ng cannot speak '{text}' (code {code})")]
    Unspeakable { text: String, code: i32 },
    #[error("'{text}' gives no sound: write words of the voice's language")]
    Silent { text: String },
}
