# Lipsmith's words in German. The key before the sign, the words behind it.

## Commands
command-new = Neues Projekt
command-open = Öffnen…
command-open-sample = Beispielprojekt öffnen
command-save = Speichern
command-save-as = Speichern unter…
command-import = Filme und Stimmen importieren…
command-import-script = Dialogbuch importieren…
command-export-script = Dialogbuch exportieren…
command-relink = Offline-Medien suchen…
command-export = Film exportieren…
command-talk = Ein Foto sprechen lassen…
command-learn = Netz auf diesen Darsteller schulen…
command-quit = Beenden
command-undo = Rückgängig
command-redo = Wiederholen
command-cut = Ausschneiden
command-copy = Kopieren
command-paste = Einfügen
command-duplicate = Duplizieren
command-delete = Löschen
command-ripple-delete = Löschen und Lücke schließen
command-select-all = Alles auswählen
command-select-none = Auswahl aufheben
command-settings = Einstellungen…
command-play = Wiedergabe/Stopp
command-shuttle-back = Shuttle rückwärts
command-shuttle-stop = Stopp
command-shuttle-forward = Shuttle vorwärts
command-step-back = Einen Frame zurück
command-step-forward = Einen Frame vor
command-leap-back = Zehn Frames zurück
command-leap-forward = Zehn Frames vor
command-to-start = Zum Anfang
command-to-end = Zum Ende
command-previous-edit = Zum vorigen Schnitt
command-next-edit = Zum nächsten Schnitt
command-play-around = Replik mit Vor- und Nachlauf abspielen
command-loop = Schleife
command-enter-timecode = Zu Timecode…
command-mark-in = In setzen
command-mark-out = Out setzen
command-to-in = Zu In
command-to-out = Zu Out
command-clear-marks = In und Out löschen
command-mark-selection = Auswahl markieren
command-add-marker = Marker setzen
command-next-marker = Zum nächsten Marker
command-previous-marker = Zum vorigen Marker
command-split = Am Playhead schneiden
command-trim-head = Anfang bis Playhead trimmen
command-trim-tail = Ende bis Playhead trimmen
command-ripple-trim-head = Ripple-Trim: Anfang bis Playhead
command-ripple-trim-tail = Ripple-Trim: Ende bis Playhead
command-nudge-back = Um einen Frame nach links
command-nudge-forward = Um einen Frame nach rechts
command-close-gap = Lücke schließen
command-add-track = Stimmspur hinzufügen
command-snap = Einrasten
command-zoom-in = Einzoomen
command-zoom-out = Auszoomen
command-zoom-all = Ganze Sequenz zeigen
command-zoom-selection = Auf Auswahl zoomen
command-new-cue = Neue Replik
command-sync-or-leave = Replik anpassen/belassen
command-render = Replik rendern
command-render-draft = Entwurf rendern
command-render-all = Alle Repliken rendern
command-test-frame = Diesen Frame testen
command-cancel-jobs = Alle Aufträge abbrechen
command-place-face = Gesicht hier berichtigen
command-track-face = Wieder der Verfolgung folgen
command-set-reference = Frame als Referenz verwenden
command-reference-here = Bild ab hier als Referenz
command-advise = Referenzen vorschlagen
command-clear-references = Referenzen löschen
command-score = Synchronität beurteilen
command-next-worst = Nächstschlechteste Replik
command-nudge-voice = Stimme synchron rücken
command-next-line = Nächste Replik
command-previous-line = Vorige Replik
command-next-unsynced = Nächste ungerenderte Replik
command-show-original = Original zeigen
command-take-1 = Take 1 wählen
command-take-2 = Take 2 wählen
command-take-3 = Take 3 wählen
command-take-4 = Take 4 wählen
command-take-5 = Take 5 wählen
command-take-6 = Take 6 wählen
command-take-7 = Take 7 wählen
command-take-8 = Take 8 wählen
command-take-9 = Take 9 wählen
command-comp-take = Anderen Take zwischen In und Out
command-show-dub = Synchronfassung ansehen
command-show-film = Original ansehen
command-flip = Seiten A und B tauschen
command-wipe = Mit Wipe vergleichen
command-side-by-side = Nebeneinander vergleichen
command-difference = Differenz ansehen
command-matte = Matte ansehen
command-boxes = Gesichtsrahmen
command-safe-areas = Sichere Ränder
command-burn-in = Timecode einblenden
command-view-fit = Bild einpassen
command-view-one = Bild 1:1
command-view-in = Bild vergrößern
command-view-out = Bild verkleinern
command-full-screen = Vollbild
command-larger = Oberfläche größer
command-smaller = Oberfläche kleiner
command-reset-layout = Anordnung zurücksetzen
command-manual = Handbuch
command-palette = Befehl suchen…
command-shortcuts = Tastenkürzel
command-next-language = Nächste Sprache
command-first-steps = Erste Schritte
command-about = Über Lipsmith

## Menus
menu-File = Datei
menu-Edit = Bearbeiten
menu-Play = Wiedergabe
menu-Mark = Markieren
menu-Clip = Clip
menu-Line = Replik
menu-View = Ansicht
menu-Help = Hilfe
menu-recent = Zuletzt verwendet

## Panels
panel-media = Medien
panel-models = Modelle
panel-log = Meldungen
panel-viewer = Monitor
panel-inspector = Eigenschaften
panel-takes = Takes
panel-cues = Repliken
panel-jobs = Aufträge
panel-history = Verlauf
panel-meters = Pegel
panel-timeline = Timeline

## Everywhere
untitled = Unbenannt
track-picture = Bild
track-voice = Stimme { $number }
character-unnamed = Person { $number }
close = Schließen
cancel = Abbrechen
ok = OK
go = Los
person = Person
unit-frames = Frames

## Status bar
status-device = Gerät, das rendert
status-saved = Gespeichert
status-unsaved = Nicht gespeichert
status-idle = Nichts zu tun
status-offline = { $count ->
    [one] Eine Datei ist offline
   *[other] { $count } Dateien sind offline
}

## Jobs
jobs-empty = Hier stehen Rendern, Analyse und Export.
jobs-clear = Erledigte entfernen
job-analyse = Gesichter finden: { $what }
job-render = Rendern: { $what }
job-test = Bild testen: { $what }
job-advise = Referenzen vorschlagen: { $what }
job-score = Synchronität beurteilen: { $what }
job-export = Export: { $what }
job-import-model = Gewichte importieren: { $what }
job-learn = Schulung mit { $what }
job-talk = { $what } spricht
lesson-curve = Kurven der Schulung
lesson-picture = Was das Netz malt, neben der Wahrheit
job-cancel = Auftrag abbrechen
job-sooner = Vorziehen
job-later = Zurückstellen
log-empty = Noch keine Meldungen.
meters-volume = Lautstärke

## Viewer
viewer-empty = Film hierher ziehen
drop-to-import = Loslassen, um es hereinzuholen
viewer-no-picture = Hier ist kein Bild
viewer-loading = Das Bild wird geladen …
viewer-fit = Einpassen
viewer-side-a = Seite A
viewer-side-b = Seite B
side-dub = Synchron
side-film = Original
face-is = Dieses Gesicht ist
face-track-here = Hier der Verfolgung folgen
handle-corner = Ecke des Gesichts
handle-move = Gesicht verschieben

## Lines
cues-empty = Noch keine Repliken. Eine Stimme auf die Timeline ziehen, über einer Stimme C drücken oder ein Dialogbuch importieren.
cue-nobody = Niemand
cue-no-text = (kein Text)
cue-no-voice = Keine Stimme
cue-text = Text der Replik
cue-range = Von – bis
cue-speaker = Sprecher
cue-voice = Stimme
cue-treatment = Mund
cue-handles = Handles
treatment-sync = Anpassen
treatment-leave = Belassen
character-rename = Person umbenennen
character-name = Name der Person

## How far a line is
state-excluded = Bleibt, wie sie ist
state-empty = Nicht gerendert
state-waiting = Wartet aufs Rendern
state-rendering = Rendert
state-failed = Fehlgeschlagen
state-draft = Entwurf
state-stale = Seit dem Rendern geändert
state-lost = Gerendert, aber nicht mehr im Cache
state-rendered = Gerendert

## Takes
takes-no-line = Eine Replik auswählen, um ihre Takes zu sehen.
take-name = Take { $number }
draft-name = Entwurf { $number }
take-original = Originalbild
take-choose = Diesen Take zeigen
take-rename = Name des Takes
take-compare = Mit Wipe gegen die Synchronfassung
take-delete = Take löschen
take-rate = { $stars ->
    [one] Ein Stern
   *[other] { $stars } Sterne
}
take-tested = Getesteter Frame
take-test-again = Noch einmal testen
comp-how = In und Out innerhalb der Replik setzen; dazwischen ist der andere Take zu sehen.
comp-remove = Hier wieder den gewählten Take zeigen

## Inspector
inspector-line = Replik
inspector-clip = Clip
inspector-project = Projekt
inspector-method = Verfahren
inspector-sync = Synchronität
inspector-reference = Referenzframes
inspector-face = Gesicht
method-own = Eigenes
method-family = Familie
method-preset = Vorgabe
preset-film = Film
preset-film-hint = Eigene Bildrate, Ihr Referenzframe, ruhiges Rauschen
preset-reference = Referenz
preset-reference-hint = Genau nach dem veröffentlichten Inferenz-Skript
method-sampler = Sampler
method-steps = Schritte
method-inner-every = Volle Schritte, je
method-inner-every-hint = Nur jeder so-und-so-vielte Schritt durchläuft das ganze Netz; die dazwischen begnügen sich mit dem, was er aus den inneren Ebenen gemacht hat. 2 braucht etwa 0,6 der Zeit.
method-seed = Seed
method-in-betweens = Zwischenbilder
method-in-betweens-carried = übertragen
method-in-betweens-hint = Jedes zweite Bild wird gemalt, die dazwischen werden aus beiden Nachbarn übertragen: halbe Zeit. Lippen, die nur ein Bild lang schließen, können verloren gehen.
method-emphasis = Betonung
method-emphasis-hint = Wie viel der Mund tut: weniger nuschelt, mehr artikuliert. Üblich sind 100 %.
method-feather = Weiche Kante
method-feather-own = Andere Weichheit als die der Familie
method-reach = Maske
reach-up = Maske zur Nase hin
reach-side = Maske zu den Wangen hin
reach-down = Maske zum Kinn hin
method-lacks-weights = Für diese Familie sind keine Gewichte installiert: siehe Modelle.
family-lacks-weights = ⚠ braucht Gewichte
pace-film = etwa in Filmgeschwindigkeit
pace-steady = unter einer Sekunde je Bild
pace-slow = viele Sekunden je Bild
reference-auto = Automatische Wahl.
reference-no-speaker = Zuerst der Replik eine Person zuordnen.
reference-advised = Vorschläge, der beste zuerst:
reference-remove = Referenz entfernen
sync-well = Synchron
sync-roughly = Ungefähr synchron
sync-not = Nicht synchron
sync-by = Beurteilt von { $judge }.
sync-stale = Die Replik wurde seither geändert.
sync-unseen = Das Gesicht ist zu kurz zu sehen, um es zu beurteilen
sync-unjudged = Noch nicht beurteilt.
sync-no-judge = Nichts, was die Synchronität beurteilt, ist installiert: packaging/fetch-face-models ausführen (mit dem Gesichtsnetz urteilt Lipsmiths eigenes Ohr) oder syncnet_v2.model oder lipsync_expert.pth unter „Modelle“ importieren.
sync-numbers = LSE-D: Abstand von Mund und Ton, kleiner ist besser. LSE-C: Sicherheit, größer ist besser.
sync-late = { $frames ->
    [one] Die Stimme ist einen Frame zu spät.
   *[other] Die Stimme ist { $frames } Frames zu spät.
}
sync-early = { $frames ->
    [one] Die Stimme ist einen Frame zu früh.
   *[other] Die Stimme ist { $frames } Frames zu früh.
}
clip-media = Datei
clip-track = Spur
clip-place = In der Sequenz
clip-source = In der Datei
clip-gain = Gain
clip-fades = Blenden
clip-fade-in = Einblenden
clip-fade-out = Ausblenden
project-name = Name des Projekts
project-original = Originalton
original-mute = Stumm
original-duck = Absenken
original-keep = Behalten

## Media
media-empty = Filme und Stimmen hierher ziehen oder importieren.
media-offline = Offline
media-lay-down = Noch einmal anlegen
media-remove = Aus dem Projekt entfernen

## Models
models-import = Gewichte importieren…
models-identify = Was ist diese Datei?
models-families = Familien
models-installed = Installierte Gewichte
models-none = Keine. Mit der Familie rewrite geht es ohne: aus den eigenen Bildern des Schauspielers.
models-lacks = benötigt { $network }
models-remove = Gewichte entfernen
models-unknown = Unbekanntes Netz

## Dialogs
dialog-choose = Datei wählen
palette-hint = Was möchten Sie tun?
settings-language = Sprache
settings-keymap = Tastatur
settings-scale = Größe der Oberfläche
settings-device = Rendern auf
about-version = Version
about-system = System
about-drawing = Gezeichnet von
about-data = Daten
about-cache = Zwischenspeicher
about-copy = Bericht kopieren
about-what = Lässt die Lippen des Schauspielers die neue Replik sprechen.
export-profile = Format
export-file = Datei
export-matte = Matte als Film (optional)
export-range = Bereich
export-all = Alles
export-no-marks = Zwischen In und Out (nicht gesetzt)
export-nothing = Noch nichts zu exportieren: zuerst einen Film importieren.
export-name-it = Bitte die Zieldatei angeben.
export-do = Exportieren
timecode-field = Timecode
timecode-hint = 1215 heißt 12 Sekunden, 15 Frames; +12 und -1:00 zählen von hier; ein Semikolon heißt Drop-Frame.
path-open = Pfad öffnen
path-photo = Das Foto, das sprechen soll
path-talk = Der Film, der daraus wird
path-save = Unter Pfad speichern
path-why = Dieser Desktop bietet keinen Dateidialog, bitte den Pfad eintippen. ~ ist der Benutzerordner.
path-field = Pfad
unsaved-title = Vorher speichern?
unsaved-words = „{ $name }“ enthält ungespeicherte Änderungen.
unsaved-save = Speichern
unsaved-discard = Nicht speichern
recovery-title = Lipsmith wurde nicht ordentlich beendet
recovery-words = Diese Projekte enthalten ungespeicherte Änderungen. Nichts ist verloren, solange Sie es nicht verwerfen.
recovery-when = { $minutes ->
    [0] gerade eben bearbeitet
    [one] vor einer Minute bearbeitet
   *[other] vor { $minutes } Minuten bearbeitet
}
recovery-open = Wiederherstellen
recovery-discard = Verwerfen
recovery-later = Beim nächsten Start fragen
first-title = In drei Schritten zur ersten Synchronfassung
first-1 = Einen Film auf das Fenster ziehen. Die Personen werden von selbst gefunden; ein Klick auf ein Gesicht zeigt, wer es ist.
first-2 = Die Synchronstimme darauf ziehen. Sie wird zur Replik auf der Timeline: dorthin schieben, wo sie gesprochen wird.
first-3 = Enter drücken. Die Replik rendert im Hintergrund; ansehen, mit dem Original vergleichen, Film exportieren.

## Messages
toast-after-crash = Lipsmith ist abgestürzt und wurde neu gestartet. Die Änderungen sind bis zur letzten Sekunde erhalten.
toast-saved = Projekt gespeichert
toast-exported = { $path } ist fertig: { $frames } Frames
toast-no-line = Hier ist keine Replik: eine auswählen oder mit C anlegen.
toast-no-film = Unter dem Abspielkopf ist kein Film.
toast-no-marks = Zuerst In und Out setzen.
toast-no-picture = Hier ist kein Bild.
toast-no-speaker = Die Replik hat keinen Sprecher: in den Eigenschaften eine Person zuordnen.
toast-some-no-speaker = Repliken ohne Sprecher wurden ausgelassen: in den Eigenschaften eine Person zuordnen.
toast-nothing-to-judge = Alle Repliken sind so beurteilt, wie sie sind.
toast-judged-first = Die Repliken werden erst beurteilt: danach noch einmal versuchen.
toast-no-nudge = Es ist nicht bekannt, wohin die Stimme rücken sollte: erst die Replik beurteilen.
toast-no-voice = Die Replik hat keine Stimme: eine auf eine Stimmspur legen und zuordnen.
toast-faces-first = Die Gesichter werden noch gesucht: danach noch einmal versuchen.
toast-reference-set = Dieser Frame ist ab dem Beginn der Replik die Referenz
toast-reference-here = Dieses Bild ist ab hier die Referenz
toast-nothing-offline = Es sind keine Medien offline.

## Timeline
timeline-original = Originalton
timeline-lines = Repliken
timeline-offline = offline
timeline-clip = Clip { $name }, { $from } bis { $to }
timeline-clip-offline = Clip { $name }, { $from } bis { $to }, Datei offline
timeline-cue = Replik { $from } bis { $to }, { $state }: { $text }
timeline-take = { $name }
timeline-marker = Marker { $name }, { $at }
timeline-playhead = Playhead { $at }
timeline-mute = { $track } stummschalten
timeline-solo = { $track } solo
timeline-lock = { $track } sperren
timeline-gain = Gain von { $track }
timeline-rename = Name
timeline-rename-hint = Doppelklick zum Umbenennen
timeline-face-well = Gesicht gut zu sehen
timeline-face-small = Gesicht hier zu klein
timeline-face-turned = Gesicht hier abgewandt
timeline-face-lost = Gesicht hier nicht gefunden
timeline-face-none = Nicht in dieser Einstellung
timeline-cannot-lie = Hier nicht möglich: auf die Bildspur kommen Filme, auf die Stimmspuren, was Ton hat.

## Teaching a network an actor
learn-what = Lernt, wer in { $film } am meisten zu sehen ist, aus den Bildern und dem Originalton des Films.
learn-base = Beginnt mit
learn-reach = Lernt
learn-whole = das ganze Netz
learn-corrections = kleine Korrekturen daran
learn-steps = Schritte
learn-hint = Das läuft lange im Hintergrund, weicht Zeilen, die gerendert werden, lässt sich abbrechen und geht beim nächsten Mal dort weiter. Der letzte Teil des Films bleibt zum Prüfen zurück. Das Ergebnis wird mit Herkunft und Bedingungen installiert.
learn-do = Beginnen
