# Lipsmith's words in French. The key before the sign, the words behind it.

## Commands
command-new = Nouveau projet
command-open = Ouvrir…
command-open-sample = Ouvrir le projet d’exemple
command-save = Enregistrer
command-save-as = Enregistrer sous…
command-import = Importer films et voix…
command-import-script = Importer un script…
command-export-script = Exporter le script…
command-relink = Retrouver les médias hors ligne…
command-export = Exporter le film…
command-talk = Faire parler une photo…
command-learn = Entraîner un réseau sur cet acteur…
command-quit = Quitter
command-undo = Annuler
command-redo = Rétablir
command-cut = Couper
command-copy = Copier
command-paste = Coller
command-duplicate = Dupliquer
command-delete = Supprimer
command-ripple-delete = Supprimer et raccorder
command-select-all = Tout sélectionner
command-select-none = Tout désélectionner
command-settings = Réglages…
command-play = Lecture/arrêt
command-shuttle-back = Shuttle arrière
command-shuttle-stop = Arrêt
command-shuttle-forward = Shuttle avant
command-step-back = Reculer d’une image
command-step-forward = Avancer d’une image
command-leap-back = Reculer de dix images
command-leap-forward = Avancer de dix images
command-to-start = Aller au début
command-to-end = Aller à la fin
command-previous-edit = Point de montage précédent
command-next-edit = Point de montage suivant
command-play-around = Lire autour de la réplique
command-loop = Lecture en boucle
command-enter-timecode = Aller au timecode…
command-mark-in = Marquer l’entrée
command-mark-out = Marquer la sortie
command-to-in = Aller à l’entrée
command-to-out = Aller à la sortie
command-clear-marks = Effacer entrée et sortie
command-mark-selection = Marquer la sélection
command-add-marker = Ajouter un marqueur
command-next-marker = Marqueur suivant
command-previous-marker = Marqueur précédent
command-split = Couper à la tête de lecture
command-trim-head = Raccourcir le début jusqu’à la tête
command-trim-tail = Raccourcir la fin jusqu’à la tête
command-ripple-trim-head = Raccourcir le début et raccorder
command-ripple-trim-tail = Raccourcir la fin et raccorder
command-nudge-back = Décaler d’une image à gauche
command-nudge-forward = Décaler d’une image à droite
command-close-gap = Fermer le trou
command-add-track = Ajouter une piste de voix
command-snap = Magnétisme
command-zoom-in = Zoom avant
command-zoom-out = Zoom arrière
command-zoom-all = Voir toute la séquence
command-zoom-selection = Zoomer sur la sélection
command-new-cue = Nouvelle réplique
command-sync-or-leave = Synchroniser/laisser la réplique
command-render = Rendre la réplique
command-render-draft = Rendu brouillon
command-render-all = Rendre toutes les répliques
command-test-frame = Tester cette image
command-cancel-jobs = Annuler toutes les tâches
command-place-face = Corriger le visage ici
command-track-face = Revenir au suivi
command-set-reference = Prendre l’image comme référence
command-reference-here = Image de référence à partir d’ici
command-advise = Proposer des références
command-clear-references = Effacer les références
command-score = Juger la synchro
command-next-worst = Réplique suivante la moins synchrone
command-nudge-voice = Recaler la voix
command-next-line = Réplique suivante
command-previous-line = Réplique précédente
command-next-unsynced = Prochaine réplique sans rendu
command-show-original = Montrer l’original
command-take-1 = Choisir la prise 1
command-take-2 = Choisir la prise 2
command-take-3 = Choisir la prise 3
command-take-4 = Choisir la prise 4
command-take-5 = Choisir la prise 5
command-take-6 = Choisir la prise 6
command-take-7 = Choisir la prise 7
command-take-8 = Choisir la prise 8
command-take-9 = Choisir la prise 9
command-comp-take = Autre prise entre entrée et sortie
command-show-dub = Voir le doublage
command-show-film = Voir l’original
command-flip = Inverser A et B
command-wipe = Comparer par volet
command-side-by-side = Comparer côte à côte
command-difference = Voir la différence
command-matte = Voir le masque
command-boxes = Cadres des visages
command-safe-areas = Marges de sécurité
command-burn-in = Incruster le timecode
command-view-fit = Ajuster l’image
command-view-one = Image 1:1
command-view-in = Agrandir l’image
command-view-out = Réduire l’image
command-full-screen = Plein écran
command-larger = Agrandir l’interface
command-smaller = Réduire l’interface
command-reset-layout = Rétablir la disposition
command-manual = Manuel
command-palette = Chercher une commande…
command-shortcuts = Raccourcis clavier
command-next-language = Langue suivante
command-first-steps = Premiers pas
command-about = À propos de Lipsmith

## Menus
menu-File = Fichier
menu-Edit = Édition
menu-Play = Lecture
menu-Mark = Marquer
menu-Clip = Clip
menu-Line = Réplique
menu-View = Affichage
menu-Help = Aide
menu-recent = Projets récents

## Panels
panel-media = Médias
panel-models = Modèles
panel-log = Journal
panel-viewer = Moniteur
panel-inspector = Inspecteur
panel-takes = Prises
panel-cues = Répliques
panel-jobs = Tâches
panel-history = Historique
panel-meters = Niveaux
panel-timeline = Timeline

## Everywhere
untitled = Sans titre
track-picture = Image
track-voice = Voix { $number }
character-unnamed = Personne { $number }
close = Fermer
cancel = Annuler
ok = OK
go = Aller
person = Personne
unit-frames = images

## Status bar
status-device = Ce qui calcule le rendu
status-saved = Enregistré
status-unsaved = Non enregistré
status-idle = Rien en cours
status-offline = { $count ->
    [one] { $count } fichier hors ligne
   *[other] { $count } fichiers hors ligne
}

## Jobs
jobs-empty = Rendus, analyses et exports s’affichent ici.
jobs-clear = Effacer les tâches finies
job-analyse = Recherche des visages : { $what }
job-render = Rendu : { $what }
job-test = Image d’essai : { $what }
job-advise = Suggestion de références : { $what }
job-score = Juger la synchro : { $what }
job-export = Export : { $what }
job-import-model = Import de poids : { $what }
job-learn = Entraînement avec { $what }
job-talk = Faire parler { $what }
lesson-curve = Courbes de l’entraînement
lesson-picture = Ce que peint le réseau, à côté de la vérité
job-cancel = Annuler la tâche
job-sooner = Plus tôt
job-later = Plus tard
log-empty = Rien à signaler.
meters-volume = Volume

## Viewer
viewer-empty = Déposez un film ici
drop-to-import = Relâchez pour importer
viewer-no-picture = Pas d’image ici
viewer-loading = L’image se charge…
viewer-fit = Ajuster
viewer-side-a = Côté A
viewer-side-b = Côté B
side-dub = Doublage
side-film = Original
face-is = Ce visage est
face-track-here = Revenir au suivi ici
handle-corner = Coin du visage
handle-move = Déplacer le visage

## Lines
cues-empty = Pas encore de répliques. Déposez une voix sur la timeline, appuyez sur C au-dessus d’une voix, ou importez un script.
cue-nobody = Personne
cue-no-text = (sans texte)
cue-no-voice = Pas de voix
cue-text = Texte de la réplique
cue-range = De – à
cue-speaker = Personnage
cue-voice = Voix
cue-treatment = Bouche
cue-handles = Poignées
treatment-sync = Synchroniser
treatment-leave = Laisser
character-rename = Renommer le personnage
character-name = Nom du personnage

## How far a line is
state-excluded = Laissée telle quelle
state-empty = Sans rendu
state-waiting = En attente de rendu
state-rendering = Rendu en cours
state-failed = Échec
state-draft = Brouillon
state-stale = Modifiée depuis le rendu
state-lost = Rendue, mais absente du cache
state-rendered = Rendue

## Takes
takes-no-line = Sélectionnez une réplique pour voir ses prises.
take-name = Prise { $number }
draft-name = Brouillon { $number }
take-original = Image d’origine
take-choose = Montrer cette prise
take-rename = Nom de la prise
take-compare = Comparer au doublage par volet
take-delete = Supprimer la prise
take-rate = { $stars ->
    [one] { $stars } étoile
   *[other] { $stars } étoiles
}
take-tested = Image testée
take-test-again = Tester à nouveau
comp-how = Marquez entrée et sortie dans la réplique ; l’autre prise s’affiche entre les deux.
comp-remove = Remettre ici la prise choisie

## Inspector
inspector-line = Réplique
inspector-clip = Clip
inspector-project = Projet
inspector-method = Méthode
inspector-sync = Synchro
inspector-reference = Images de référence
inspector-face = Visage
method-own = Propre à la réplique
method-family = Famille
method-preset = Préréglage
preset-film = Film
preset-film-hint = Cadence d’origine, votre image de référence, bruit stable
preset-reference = Référence
preset-reference-hint = Exactement le script d’inférence publié
method-sampler = Échantillonneur
method-steps = Pas
method-inner-every = Pas complets, un sur
method-inner-every-hint = Seul un pas sur tant parcourt tout le réseau ; les autres se contentent de ce qu’il a fait des niveaux intérieurs. 2 prend environ 0,6 du temps.
method-seed = Graine
method-in-betweens = Images intermédiaires
method-in-betweens-carried = interpolées
method-in-betweens-hint = Une image sur deux est peinte, les autres sont reprises de leurs deux voisines : moitié moins de temps. Des lèvres qui ne se ferment que le temps d’une image peuvent se perdre.
method-emphasis = Accentuation
method-emphasis-hint = Ce que fait la bouche : moins, elle marmonne ; plus, elle articule. 100 % est l’usage.
method-feather = Contour progressif
method-feather-own = Autre douceur que celle de la famille
method-reach = Masque
reach-up = Masque vers le nez
reach-side = Masque vers les joues
reach-down = Masque vers le menton
method-lacks-weights = Les poids de cette famille ne sont pas installés : voir le panneau Modèles.
family-lacks-weights = ⚠ poids requis
pace-film = à peu près la vitesse du film
pace-steady = moins d’une seconde par image
pace-slow = de nombreuses secondes par image
reference-auto = Choix automatique.
reference-no-speaker = Attribuez d’abord la réplique à un personnage.
reference-advised = Propositions, la meilleure d’abord :
reference-remove = Retirer la référence
sync-well = Synchrone
sync-roughly = À peu près synchrone
sync-not = Pas synchrone
sync-by = Jugé par { $judge }.
sync-stale = La réplique a changé depuis.
sync-unseen = Le visage n’est pas vu assez longtemps pour être jugé
sync-unjudged = Pas encore jugé.
sync-no-judge = Rien de ce qui juge la synchro n’est installé : lancez packaging/fetch-face-models (l’oreille de Lipsmith juge avec le maillage du visage) ou importez syncnet_v2.model ou lipsync_expert.pth dans le panneau Modèles.
sync-numbers = LSE-D : distance entre bouche et son, plus bas est mieux. LSE-C : confiance, plus haut est mieux.
sync-late = { $frames ->
    [one] La voix a une image de retard.
   *[other] La voix a { $frames } images de retard.
}
sync-early = { $frames ->
    [one] La voix a une image d’avance.
   *[other] La voix a { $frames } images d’avance.
}
clip-media = Fichier
clip-track = Piste
clip-place = Dans la séquence
clip-source = Dans le fichier
clip-gain = Gain
clip-fades = Fondus
clip-fade-in = Fondu d’ouverture
clip-fade-out = Fondu de fermeture
project-name = Nom du projet
project-original = Son d’origine
original-mute = Couper
original-duck = Atténuer
original-keep = Garder

## Media
media-empty = Déposez ici films et voix, ou importez-les.
media-offline = Hors ligne
media-lay-down = Poser à nouveau
media-remove = Retirer du projet

## Models
models-import = Importer des poids…
models-identify = Quel est ce fichier ?
models-families = Familles
models-installed = Poids installés
models-none = Aucun. La famille rewrite double sans poids, avec les propres images du comédien.
models-lacks = requiert { $network }
models-remove = Retirer les poids
models-unknown = Réseau inconnu

## Dialogs
dialog-choose = Choisir un fichier
palette-hint = Que voulez-vous faire ?
settings-language = Langue
settings-keymap = Clavier
settings-scale = Taille de l’interface
settings-device = Rendu sur
about-version = Version
about-system = Système
about-drawing = Affichage par
about-data = Données
about-cache = Cache
about-copy = Copier le rapport
about-what = Fait dire la nouvelle réplique aux lèvres du comédien.
export-profile = Format
export-file = Fichier
export-matte = Film du masque (facultatif)
export-range = Plage
export-all = Tout
export-no-marks = De l’entrée à la sortie (non marquées)
export-nothing = Rien à exporter : importez d’abord un film.
export-name-it = Nommez le fichier à écrire.
export-do = Exporter
timecode-field = Timecode
timecode-hint = 1215 : 12 secondes et 15 images ; +12 et -1:00 comptent à partir d’ici ; un point-virgule signifie drop-frame.
path-open = Ouvrir par chemin
path-photo = La photo qui doit parler
path-talk = Le film à en faire
path-save = Enregistrer par chemin
path-why = Ce bureau n’offre pas de sélecteur de fichiers : saisissez le chemin. ~ est votre dossier personnel.
path-field = Chemin
unsaved-title = Enregistrer avant de continuer ?
unsaved-words = « { $name } » contient des modifications non enregistrées.
unsaved-save = Enregistrer
unsaved-discard = Ne pas enregistrer
recovery-title = Lipsmith s’est mal terminé la dernière fois
recovery-words = Ces projets ont des modifications non enregistrées. Rien n’est perdu tant que vous ne les abandonnez pas.
recovery-when = { $minutes ->
    [0] modifié à l’instant
    [one] modifié il y a une minute
   *[other] modifié il y a { $minutes } minutes
}
recovery-open = Récupérer
recovery-discard = Abandonner
recovery-later = Redemander au prochain lancement
first-title = Doubler un plan en trois étapes
first-1 = Déposez un film sur la fenêtre. Les personnes y sont trouvées d’elles-mêmes ; cliquez sur un visage pour voir qui c’est.
first-2 = Déposez-y la voix doublée. Elle devient une réplique sur la timeline : placez-la là où elle doit être dite.
first-3 = Appuyez sur Entrée. La réplique est rendue en arrière-plan ; regardez-la, comparez-la à l’original, exportez le film.

## Messages
toast-after-crash = Lipsmith a planté et a redémarré. Vos modifications ont été gardées jusqu’à la dernière seconde.
toast-saved = Projet enregistré
toast-exported = { $path } est écrit : { $frames } images
toast-no-line = Pas de réplique ici : sélectionnez-en une, ou appuyez sur C pour la créer.
toast-no-film = Il n’y a pas de film sous la tête de lecture.
toast-no-marks = Marquez d’abord entrée et sortie.
toast-no-picture = Pas d’image ici.
toast-no-speaker = La réplique n’a pas de personnage : attribuez-lui une personne dans l’inspecteur.
toast-some-no-speaker = Les répliques sans personnage ont été laissées de côté : attribuez-leur une personne dans l’inspecteur.
toast-nothing-to-judge = Toutes les répliques sont jugées telles qu’elles sont.
toast-judged-first = Les répliques sont d’abord jugées : réessayez ensuite.
toast-no-nudge = Rien n’indique de combien déplacer la voix : jugez d’abord la réplique.
toast-no-voice = La réplique n’a pas de voix : posez-en une sur une piste et liez-la.
toast-faces-first = Les visages sont encore recherchés : réessayez ensuite.
toast-reference-set = Cette image sert de référence dès le début de la réplique
toast-reference-here = Cette image sert de référence à partir d’ici
toast-nothing-offline = Aucun média hors ligne.

## Timeline
timeline-original = Son d’origine
timeline-lines = Répliques
timeline-offline = hors ligne
timeline-clip = Clip { $name }, de { $from } à { $to }
timeline-clip-offline = Clip { $name }, de { $from } à { $to }, fichier hors ligne
timeline-cue = Réplique de { $from } à { $to }, { $state } : { $text }
timeline-take = { $name }
timeline-marker = Marqueur { $name }, { $at }
timeline-playhead = Tête de lecture { $at }
timeline-mute = Couper le son de { $track }
timeline-solo = Solo { $track }
timeline-lock = Verrouiller { $track }
timeline-gain = Gain de { $track }
timeline-rename = Nom
timeline-rename-hint = Double-clic pour renommer
timeline-face-well = Visage bien visible
timeline-face-small = Visage trop petit ici
timeline-face-turned = Visage détourné ici
timeline-face-lost = Visage introuvable ici
timeline-face-none = Absent de ce plan
timeline-cannot-lie = Impossible ici : la piste image prend les films, les pistes de voix ce qui a du son.

## Teaching a network an actor
learn-what = Apprend la personne la plus visible dans { $film }, d’après ses images et sa voix d’origine.
learn-base = Partir de
learn-reach = Apprend
learn-whole = tout le réseau
learn-corrections = de petites corrections
learn-steps = Étapes
learn-hint = Cela dure longtemps en arrière-plan, cède la place aux répliques en cours de rendu, peut être arrêté et reprend là où il en était. La fin du film est gardée pour juger. Le résultat est installé avec son origine et ses conditions.
learn-do = Commencer
