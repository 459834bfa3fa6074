# Lipsmith's words in English. The key before the sign, the words behind it.

## Commands
command-new = New project
command-open = Open…
command-open-sample = Open sample project
command-save = Save
command-save-as = Save as…
command-import = Import films and voices…
command-import-script = Import script…
command-export-script = Export script…
command-relink = Find offline media…
command-export = Export film…
command-talk = Make a photograph talk…
command-learn = Teach a network this actor…
command-quit = Quit
command-undo = Undo
command-redo = Redo
command-cut = Cut
command-copy = Copy
command-paste = Paste
command-duplicate = Duplicate
command-delete = Delete
command-ripple-delete = Ripple delete
command-select-all = Select all
command-select-none = Select nothing
command-settings = Settings…
command-play = Play or stop
command-shuttle-back = Shuttle backwards
command-shuttle-stop = Stop
command-shuttle-forward = Shuttle forwards
command-step-back = Step back one frame
command-step-forward = Step forward one frame
command-leap-back = Step back ten frames
command-leap-forward = Step forward ten frames
command-to-start = Go to start
command-to-end = Go to end
command-previous-edit = Go to previous edit
command-next-edit = Go to next edit
command-play-around = Play around line
command-loop = Loop
command-enter-timecode = Go to timecode…
command-mark-in = Mark in
command-mark-out = Mark out
command-to-in = Go to in
command-to-out = Go to out
command-clear-marks = Clear in and out
command-mark-selection = Mark selection
command-add-marker = Add marker
command-next-marker = Go to next marker
command-previous-marker = Go to previous marker
command-split = Split at playhead
command-trim-head = Trim head to playhead
command-trim-tail = Trim tail to playhead
command-ripple-trim-head = Ripple trim head to playhead
command-ripple-trim-tail = Ripple trim tail to playhead
command-nudge-back = Nudge back one frame
command-nudge-forward = Nudge forward one frame
command-close-gap = Close gap
command-add-track = Add voice track
command-snap = Snapping
command-zoom-in = Zoom in
command-zoom-out = Zoom out
command-zoom-all = Show whole sequence
command-zoom-selection = Zoom to selection
command-new-cue = New line
command-sync-or-leave = Sync or leave line
command-render = Render line
command-render-draft = Render draft
command-render-all = Render all lines
command-test-frame = Test this frame
command-cancel-jobs = Cancel all jobs
command-place-face = Correct face here
command-track-face = Follow tracking again
command-set-reference = Use frame as reference
command-reference-here = Use frame as reference from here on
command-advise = Suggest references
command-clear-references = Clear references
command-score = Judge sync
command-next-worst = Next worst line
command-nudge-voice = Move voice into sync
command-next-line = Next line
command-previous-line = Previous line
command-next-unsynced = Next unrendered line
command-show-original = Show original
command-take-1 = Choose take 1
command-take-2 = Choose take 2
command-take-3 = Choose take 3
command-take-4 = Choose take 4
command-take-5 = Choose take 5
command-take-6 = Choose take 6
command-take-7 = Choose take 7
command-take-8 = Choose take 8
command-take-9 = Choose take 9
command-comp-take = Comp other take between in and out
command-show-dub = View dub
command-show-film = View original
command-flip = Flip sides A and B
command-wipe = Compare by wipe
command-side-by-side = Compare side by side
command-difference = View difference
command-matte = View matte
command-boxes = Face boxes
command-safe-areas = Safe areas
command-burn-in = Burn in timecode
command-view-fit = Fit picture
command-view-one = Picture 1:1
command-view-in = Enlarge picture
command-view-out = Reduce picture
command-full-screen = Full screen
command-larger = Larger interface
command-smaller = Smaller interface
command-reset-layout = Reset layout
command-manual = Manual
command-palette = Command palette…
command-shortcuts = Keyboard shortcuts
command-next-language = Next language
command-first-steps = First steps
command-about = About Lipsmith

## Menus
menu-File = File
menu-Edit = Edit
menu-Play = Play
menu-Mark = Mark
menu-Clip = Clip
menu-Line = Line
menu-View = View
menu-Help = Help
menu-recent = Open recent

## Panels
panel-media = Media
panel-models = Models
panel-log = Log
panel-viewer = Viewer
panel-inspector = Inspector
panel-takes = Takes
panel-cues = Lines
panel-jobs = Jobs
panel-history = History
panel-meters = Levels
panel-timeline = Timeline

## Everywhere
untitled = Untitled
track-picture = Picture
track-voice = Voice { $number }
character-unnamed = Person { $number }
close = Close
cancel = Cancel
ok = OK
go = Go
person = Person
unit-frames = frames

## Status bar
status-device = What renders
status-saved = Saved
status-unsaved = Unsaved edits
status-idle = Nothing to do
status-offline = { $count ->
    [one] One file is offline
   *[other] { $count } files are offline
}

## Jobs
jobs-empty = Rendering, analysis and exports are listed here.
jobs-clear = Clear finished jobs
job-analyse = Find faces: { $what }
job-render = Render: { $what }
job-test = Test frame: { $what }
job-advise = Suggest references: { $what }
job-score = Judge sync: { $what }
job-export = Export: { $what }
job-import-model = Import weights: { $what }
job-learn = Teach from { $what }
job-talk = Let { $what } talk
lesson-curve = Curves of the lesson
lesson-picture = What the network makes, beside the truth
job-cancel = Cancel job
job-sooner = Do sooner
job-later = Do later
log-empty = Nothing to report yet.
meters-volume = Volume

## Viewer
viewer-empty = Drop a film here
drop-to-import = Drop to bring it in
viewer-no-picture = No picture here
viewer-loading = The picture is being loaded…
viewer-fit = Fit
viewer-side-a = Side A
viewer-side-b = Side B
side-dub = Dub
side-film = Original
face-is = This face is
face-track-here = Follow tracking here
handle-corner = Corner of the face
handle-move = Move the face

## Lines
cues-empty = No lines yet. Drop a voice on the timeline, press C over a voice, or import a script.
cue-nobody = Nobody
cue-no-text = (no text)
cue-no-voice = No voice
cue-text = Text of the line
cue-range = From – to
cue-speaker = Speaker
cue-voice = Voice
cue-treatment = Mouth
cue-handles = Handles
treatment-sync = Sync
treatment-leave = Leave
character-rename = Rename person
character-name = Name of the person

## How far a line is
state-excluded = Left as it is
state-empty = Not rendered
state-waiting = Waiting to render
state-rendering = Rendering
state-failed = Failed
state-draft = Draft
state-stale = Changed since it was rendered
state-lost = Rendered, but no longer in the cache
state-rendered = Rendered

## Takes
takes-no-line = Select a line to see its takes.
take-name = Take { $number }
draft-name = Draft { $number }
take-original = Original picture
take-choose = Show this take
take-rename = Name of the take
take-compare = Compare with the dub by wipe
take-delete = Delete take
take-rate = { $stars ->
    [one] One star
   *[other] { $stars } stars
}
take-tested = Tested frame
take-test-again = Test again
comp-how = Mark in and out within the line; the other take is shown between them.
comp-remove = Show the chosen take here

## Inspector
inspector-line = Line
inspector-clip = Clip
inspector-project = Project
inspector-method = Method
inspector-sync = Sync
inspector-reference = Reference frames
inspector-face = Face
method-own = Of its own
method-family = Family
method-preset = Preset
preset-film = Film
preset-film-hint = Native frame rate, your reference frame, steady noise
preset-reference = Reference
preset-reference-hint = The published inference script to the letter
method-sampler = Sampler
method-steps = Steps
method-inner-every = Full steps, one in
method-inner-every-hint = Only every so many-th step walks the whole network; those between do with what it made of the inner levels. 2 takes about 0.6 of the time.
method-seed = Seed
method-in-betweens = Frames between
method-in-betweens-carried = carried over
method-in-betweens-hint = Every second frame is painted and those between are carried over from both neighbours: half the time. Lips that close for a single frame may be missed.
method-emphasis = Emphasis
method-emphasis-hint = How much the mouth does: less mumbles, more articulates. 100 % is usual.
method-feather = Feather
method-feather-own = Another softness than the family's own
method-reach = Mask
reach-up = Mask towards the nose
reach-side = Mask towards the cheeks
reach-down = Mask towards the chin
method-lacks-weights = This family needs weights that are not installed: see the Models panel.
family-lacks-weights = ⚠ needs weights
pace-film = about film speed
pace-steady = below a second a frame
pace-slow = many seconds a frame
reference-auto = The advisor chooses.
reference-no-speaker = Bind the line to a person first.
reference-advised = Suggested, the best first:
reference-remove = Remove reference
sync-well = In sync
sync-roughly = Roughly in sync
sync-not = Not in sync
sync-by = Judged by { $judge }.
sync-stale = The line was changed since.
sync-unseen = The face is not seen long enough to be judged
sync-unjudged = Not judged yet.
sync-no-judge = Nothing that judges sync is installed: run packaging/fetch-face-models, whose face mesh Lipsmith’s own ear judges by, or import syncnet_v2.model or lipsync_expert.pth in the Models panel.
sync-numbers = LSE-D: distance between mouth and sound, lower is better. LSE-C: confidence, higher is better.
sync-late = { $frames ->
    [one] The voice is one frame late.
   *[other] The voice is { $frames } frames late.
}
sync-early = { $frames ->
    [one] The voice is one frame early.
   *[other] The voice is { $frames } frames early.
}
clip-media = File
clip-track = Track
clip-place = In the sequence
clip-source = In the file
clip-gain = Gain
clip-fades = Fades
clip-fade-in = Fade in
clip-fade-out = Fade out
project-name = Name of the project
project-original = Original sound
original-mute = Mute
original-duck = Duck
original-keep = Keep

## Media
media-empty = Drop films and voices here, or import them.
media-offline = Offline
media-lay-down = Lay down again
media-remove = Remove from project

## Models
models-import = Import weights…
models-identify = What is this file?
models-families = Families
models-installed = Installed weights
models-none = None. Lipsmith dubs without any by the family rewrite, from the actor's own frames.
models-lacks = needs { $network }
models-remove = Remove weights
models-unknown = Unknown network

## Dialogs
dialog-choose = Choose a file
palette-hint = Type what you want to do
settings-language = Language
settings-keymap = Keyboard
settings-scale = Size of the interface
settings-device = Render on
about-version = Version
about-system = System
about-drawing = Drawn by
about-data = Data
about-cache = Cache
about-copy = Copy report
about-what = Makes the actor's lips speak the new line.
export-profile = Format
export-file = File
export-matte = Matte film (optional)
export-range = Range
export-all = All
export-no-marks = Between in and out (none are marked)
export-nothing = There is nothing to export yet: import a film.
export-name-it = Name the file to write.
export-do = Export
timecode-field = Timecode
timecode-hint = 1215 is 12 seconds and 15 frames; +12 and -1:00 count from here; a semicolon means drop-frame.
path-open = Open by path
path-photo = The photograph that is to talk
path-talk = The film to be made of it
path-save = Save by path
path-why = This desktop offers no file dialog, so please type the path. ~ is your home folder.
path-field = Path
unsaved-title = Save before going on?
unsaved-words = “{ $name }” has edits that are not saved.
unsaved-save = Save
unsaved-discard = Do not save
recovery-title = Lipsmith did not end well last time
recovery-words = These projects have edits that were not saved. Nothing is lost until you throw them away.
recovery-when = { $minutes ->
    [0] edited just now
    [one] edited one minute ago
   *[other] edited { $minutes } minutes ago
}
recovery-open = Recover
recovery-discard = Throw away
recovery-later = Ask again next time
first-title = Dub a shot in three steps
first-1 = Drop a film on the window. Its people are found by themselves; click a face to see who it is.
first-2 = Drop the dubbed voice on it. It becomes a line on the timeline: move it to where it is to be spoken.
first-3 = Press Enter. The line is rendered in the background; watch it, compare it with the original, export the film.

## Messages
toast-after-crash = Lipsmith has crashed and was started again. Your edits were kept up to the last second.
toast-saved = Project saved
toast-exported = { $path } is written: { $frames } frames
toast-no-line = There is no line here: select one, or press C to make one.
toast-no-film = There is no film under the playhead.
toast-no-marks = Mark in and out first.
toast-no-picture = There is no picture here.
toast-no-speaker = The line has no speaker: bind it to a person in the inspector.
toast-some-no-speaker = Lines without a speaker were left out: bind them to a person in the inspector.
toast-nothing-to-judge = All lines are judged as they are.
toast-judged-first = The lines are judged first: ask again when that is done.
toast-no-nudge = Nothing is known by which the voice should be moved: judge the line first.
toast-no-voice = The line has no voice: put one on a voice track and bind it.
toast-faces-first = The faces are still being found: ask again when that is done.
toast-reference-set = This frame is the reference from the line's beginning on
toast-reference-here = This frame is the reference from here on
toast-nothing-offline = No media are offline.

## Timeline
timeline-original = Original sound
timeline-lines = Lines
timeline-offline = offline
timeline-clip = Clip { $name }, { $from } to { $to }
timeline-clip-offline = Clip { $name }, { $from } to { $to }, file offline
timeline-cue = Line { $from } to { $to }, { $state }: { $text }
timeline-take = { $name }
timeline-marker = Marker { $name }, { $at }
timeline-playhead = Playhead { $at }
timeline-mute = Mute { $track }
timeline-solo = Solo { $track }
timeline-lock = Lock { $track }
timeline-gain = Gain of { $track }
timeline-rename = Name
timeline-rename-hint = Double-click to rename
timeline-face-well = The face can be dubbed here
timeline-face-small = The face is too small here
timeline-face-turned = The face is turned away here
timeline-face-lost = The face was not found here
timeline-face-none = Not in this shot
timeline-cannot-lie = It cannot lie there: the picture track takes films, the voice tracks take what has sound.

## Teaching a network an actor
learn-what = Learns who is seen most in { $film }, from the film's own pictures and its original speech.
learn-base = Begin with
learn-reach = Learns
learn-whole = the whole network
learn-corrections = small corrections to it
learn-steps = Steps
learn-hint = It runs in the background for a long time, gives way to lines that render, can be stopped and goes on where it was when asked for again. The last part of the film is kept to judge by. The result is installed with its ancestry and terms.
learn-do = Begin
