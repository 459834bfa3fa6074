//! What a click selects.

use super::hit::Hit;
use crate::window::session::Selection;

/// A click; `add` (Shift or Ctrl) adds to what is selected, or takes away.
pub fn click(selection: &mut Selection, hit: Hit, add: bool) {
    if !add {
        let character = selection.character.filter(|_| !matches!(hit, Hit::Empty));
        *selection = Selection { character, ..Selection::default() };
    }
    match hit {
        Hit::Clip(id, _) => toggle(&mut selection.clips, id),
        Hit::Cue(id, _) => toggle(&mut selection.cues, id),
        Hit::Marker(id) => toggle(&mut selection.markers, id),
        Hit::Take(cue, _) => drop(selection.cues.insert(cue)),
        Hit::Person(id) => selection.character = Some(id),
        Hit::Ruler | Hit::Mark(_) | Hit::Empty => {}
    }
}

/// A press that may become a drag: what is pressed is selected, what is selected already goes along.
pub fn press(selection: &mut Selection, hit: Hit, add: bool) {
    let selected = match hit {
        Hit::Clip(id, _) => selection.clips.contains(&id),
        Hit::Cue(id, _) => selection.cues.contains(&id),
        Hit::Marker(id) => selection.markers.contains(&id),
        _ => return,
    };
    if !selected {
        click(selection, hit, add);
    }
}

/// Joins what a marquee touches to what was selected before it.
pub fn marquee(before: &Selection, touched: Selection, add: bool) -> Selection {
    if !add {
        return Selection { character: before.character, ..touched };
    }
    let mut joined = before.clone();
    joined.clips.extend(touched.clips);
    joined.cues.extend(touched.cues);
    joined
}

fn toggle<Id: Ord>(set: &mut std::collections::BTreeSet<Id>, id: Id) {
    if !set.remove(&id) {
        set.insert(id);
    }
}
