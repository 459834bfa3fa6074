//! Everything about what is selected: the line with its speaker, voice and method; the clip; else the project.

use crate::window::command::Command;
use crate::window::ctx::{Act, Ctx};
use crate::window::sync;
use crate::window::widgets::{named, pace, row, text_field};
use egui::text::{LayoutJob, TextFormat};
use lipsmith_base::Time;
use lipsmith_engine::models::FamilyState;
use lipsmith_engine::score::SyncScore;
use lipsmith_engine::{FAMILIES, Family, SAMPLERS};
use lipsmith_project::edit::{CastEdit, ClipEdit, CueEdit};
use lipsmith_project::{
    Character, CharacterId, Clip, Cue, CueId, Edit, Method, Original, Preset, Reach, Reference, Settings,
    Track, Treatment,
};

/// Whether steps, sampler and seed mean anything to a family.
pub fn is_diffusion(family: &str) -> bool {
    FAMILIES.iter().any(|known| known.name == family && known.denoises)
}

/// Whether a family's steps can do without its network's inner levels.
fn can_skip_inner(family: &str) -> bool {
    family == "diff2lip"
}

/// Whether a family's weights are ours.
fn is_shipped(family: &str) -> bool {
    FAMILIES.iter().any(|known| known.name == family && known.shipped)
}

pub fn show(ui: &mut egui::Ui, ctx: &mut Ctx) {
    egui::ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        let clip = ctx.session.selection.clips.first().and_then(|id| ctx.project.clip(*id));
        let clip = clip.map(|(track, clip)| (track.clone(), clip.clone()));
        let cue = ctx.cue().and_then(|id| Some((id, ctx.project.cues.get(&id)?.clone())));
        match (clip, cue) {
            (Some((track, clip)), _) if ctx.session.selection.cues.is_empty() => {
                clip_page(ui, ctx, &track, &clip);
            }
            (_, Some((id, cue))) => cue_page(ui, ctx, id, &cue),
            _ => project_page(ui, ctx),
        }
    });
}

fn cue_page(ui: &mut egui::Ui, ctx: &mut Ctx, id: CueId, cue: &Cue) {
    ui.strong(ctx.text("inspector-line"));
    let text = text_field(ui, egui::Id::unique(("cue text", id.0)), &cue.text, &ctx.text("cue-text"), true);
    text.into_iter().for_each(|text| ctx.edit(CueEdit::Text { cue: id, text }));
    egui::Grid::new("line").num_columns(2).show(ui, |ui| {
        row(ui, &ctx.text("cue-range"), |ui| {
            let (from, to) = (ctx.timecode(cue.range.start()), ctx.timecode(cue.range.end()));
            let range = egui::RichText::new(format!("{from} – {to}")).monospace();
            ui.add(egui::Label::new(range).wrap());
        });
        row(ui, &ctx.text("cue-speaker"), |ui| speaker(ui, ctx, id, cue));
        row(ui, &ctx.text("cue-voice"), |ui| voice(ui, ctx, id, cue));
        row(ui, &ctx.text("cue-treatment"), |ui| {
            for (treatment, key) in
                [(Treatment::Sync, "treatment-sync"), (Treatment::Leave, "treatment-leave")]
            {
                if ui.radio(cue.treatment == treatment, ctx.text(key)).clicked() {
                    ctx.edit(CueEdit::Treat { cue: id, treatment });
                }
            }
        });
        row(ui, &ctx.text("cue-handles"), |ui| handles(ui, ctx, id, cue));
    });
    ui.separator();
    own_method(ui, ctx, id, cue);
    ui.separator();
    in_sync(ui, ctx, id);
    ui.separator();
    references(ui, ctx, id, cue);
    ui.separator();
    placed_faces(ui, ctx, id, cue);
}

fn speaker(ui: &mut egui::Ui, ctx: &mut Ctx, id: CueId, cue: &Cue) {
    let nobody = ctx.text("cue-nobody");
    let now = cue.character.and_then(|id| ctx.project.characters.get(&id)).map(|c| c.name.clone());
    let label = now.clone().unwrap_or_else(|| nobody.clone());
    let mut chosen = cue.character;
    let menu = egui::ComboBox::from_id_salt("speaker").selected_text(&label).truncate().show_ui(ui, |ui| {
        ui.selectable_value(&mut chosen, None, nobody);
        for (character, of) in ctx.project.characters.iter() {
            ui.selectable_value(&mut chosen, Some(*character), &of.name);
        }
    });
    named(menu.response, egui::Role::ComboBox, &format!("{}: {label}", ctx.text("cue-speaker")));
    if chosen != cue.character {
        ctx.edit(CueEdit::Bind { cue: id, character: chosen });
    }
    if let Some((of, character)) =
        cue.character.and_then(|id| Some((id, ctx.project.characters.get(&id)?.clone())))
    {
        rename(ui, ctx, of, &character);
    }
}

fn rename(ui: &mut egui::Ui, ctx: &mut Ctx, id: CharacterId, character: &Character) {
    let popup = ui.button("✏").on_hover_text(ctx.text("character-rename"));
    let popup = named(popup, egui::Role::Button, &ctx.text("character-rename"));
    egui::Popup::menu(&popup).close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside).show(|ui| {
        ui.set_min_width(180.0);
        let hint = ctx.text("character-name");
        let field = text_field(ui, egui::Id::unique(("character", id.0)), &character.name, &hint, false);
        let mut colour = character.colour;
        let recoloured = ui.color_edit_button_srgb(&mut colour).changed();
        if recoloured || field.is_some() {
            let name = field.unwrap_or_else(|| character.name.clone());
            ctx.edit(CastEdit::SetCharacter(id, Character { name, colour, ..character.clone() }));
        }
    });
}

fn voice(ui: &mut egui::Ui, ctx: &mut Ctx, id: CueId, cue: &Cue) {
    let name = |clip: &Clip| {
        let media = ctx.project.media.get(&clip.media).map_or("?", |media| media.name.as_str());
        format!("{media}  {}", ctx.timecode(clip.start))
    };
    let none = ctx.text("cue-no-voice");
    let label = cue.voice.and_then(|v| ctx.project.clip(v)).map_or(none.clone(), |(_, clip)| name(clip));
    let mut chosen = cue.voice;
    let near = cue.rendered();
    let menu = egui::ComboBox::from_id_salt("voice")
        .selected_text(&label)
        .width(ui.available_width().min(190.0))
        .truncate()
        .show_ui(ui, |ui| {
            ui.selectable_value(&mut chosen, None, none);
            let clips = ctx.project.sequence.voices.iter().flat_map(|track| track.clips_in(near));
            for clip in clips {
                ui.selectable_value(&mut chosen, Some(clip.id), name(clip));
            }
        });
    named(menu.response, egui::Role::ComboBox, &format!("{}: {label}", ctx.text("cue-voice")));
    if chosen != cue.voice {
        ctx.edit(CueEdit::Voice { cue: id, voice: chosen });
    }
}

fn handles(ui: &mut egui::Ui, ctx: &mut Ctx, id: CueId, cue: &Cue) {
    let rate = ctx.project.sequence.rate;
    let mut frames = rate.frame_at(cue.handles);
    let field = ui.add(egui::DragValue::new(&mut frames).range(0..=250));
    let field = named(field, egui::Role::SpinButton, &ctx.text("cue-handles"));
    ui.label(ctx.text("unit-frames"));
    settle(ctx, &field, CueEdit::Handles { cue: id, handles: rate.frame_start(frames) });
}

/// A control that is dragged makes one step, when it is let go.
fn settle(ctx: &mut Ctx, response: &egui::Response, edit: impl Into<Edit>) {
    if response.changed() {
        ctx.drag(edit);
        if !response.dragged() {
            ctx.act(Act::Release);
        }
    } else if response.drag_stopped() {
        ctx.act(Act::Release);
    }
}

fn own_method(ui: &mut egui::Ui, ctx: &mut Ctx, id: CueId, cue: &Cue) {
    let common = ctx.project.settings.method.clone();
    let mut own = cue.method.is_some();
    ui.horizontal(|ui| {
        ui.strong(ctx.text("inspector-method"));
        if ui.checkbox(&mut own, ctx.text("method-own")).changed() {
            ctx.edit(CueEdit::Method { cue: id, method: own.then(|| common.clone()) });
        }
    });
    let now = cue.method.clone().unwrap_or(common);
    ui.add_enabled_ui(cue.method.is_some(), |ui| {
        method(ui, ctx, &now, |method| CueEdit::Method { cue: id, method: Some(method) }.into());
    });
    ui.horizontal_wrapped(|ui| {
        ctx.button(ui, Command::Render, "");
        ctx.button(ui, Command::RenderDraft, "");
        ctx.button(ui, Command::TestFrame, "");
    });
}

/// How well the line is in sync, what judged it, and what would mend it.
fn in_sync(ui: &mut egui::Ui, ctx: &mut Ctx, id: CueId) {
    ui.strong(ctx.text("inspector-sync"));
    if ctx.news.knows.judge.is_none() {
        ui.add(
            egui::Label::new(egui::RichText::new(ctx.text("sync-no-judge")).color(ctx.theme.faint)).wrap(),
        );
        return;
    }
    let words = sync::words(ctx, id).unwrap_or_else(|| ctx.text("sync-unjudged"));
    ui.add(egui::Label::new(words).wrap());
    let score = ctx.news.score(ctx.project, id).filter(|(_, fresh)| *fresh);
    let whole = score.and_then(|(score, _)| score.whole);
    let nudge = score.and_then(|(score, _)| sync::nudge(score, ctx.project.sequence.rate));
    if let Some(SyncScore { lse_d, lse_c, .. }) = whole {
        let numbers = format!("LSE-D {lse_d:.2}   LSE-C {lse_c:.2}");
        ui.colored_label(ctx.theme.faint, numbers).on_hover_text(ctx.text("sync-numbers"));
    }
    if let Some(by) = nudge {
        let key = if by < 0 { "sync-late" } else { "sync-early" };
        ui.label(ctx.words.with(key, &[("frames", by.abs().into())]));
    }
    ui.horizontal_wrapped(|ui| {
        ctx.button(ui, Command::Score, "");
        if nudge.is_some() {
            ctx.button(ui, Command::NudgeVoice, "");
        }
        ctx.button(ui, Command::NextWorst, "");
    });
}

/// The controls of a method.
fn method(ui: &mut egui::Ui, ctx: &mut Ctx, now: &Method, edit: impl Fn(Method) -> Edit) {
    egui::Grid::new("method").num_columns(2).show(ui, |ui| {
        row(ui, &ctx.text("method-family"), |ui| family(ui, ctx, now, &edit));
        if now.family != "rewrite" {
            row(ui, &ctx.text("method-preset"), |ui| {
                for (preset, key) in [(Preset::Film, "preset-film"), (Preset::Reference, "preset-reference")]
                {
                    let button = ui.radio(now.preset == preset, ctx.text(key));
                    if button.on_hover_text(ctx.text(&format!("{key}-hint"))).clicked() {
                        ctx.act(Act::Edit(edit(Method { preset, ..now.clone() })));
                    }
                }
            });
        }
        if is_diffusion(&now.family) {
            diffusion(ui, ctx, now, &edit);
        }
        if is_shipped(&now.family) {
            row(ui, &ctx.text("method-emphasis"), |ui| emphasis(ui, ctx, now, &edit));
        }
        row(ui, &ctx.text("method-feather"), |ui| {
            let mut own = now.feather.is_some();
            let mut feather = now.feather.unwrap_or(0.15);
            if ui.checkbox(&mut own, "").on_hover_text(ctx.text("method-feather-own")).changed() {
                ctx.act(Act::Edit(edit(Method { feather: own.then_some(feather), ..now.clone() })));
            }
            let slider = egui::Slider::new(&mut feather, 0.0..=0.5).max_decimals(2);
            let slider = named(ui.add_enabled(own, slider), egui::Role::Slider, &ctx.text("method-feather"));
            settle(ctx, &slider, edit(Method { feather: Some(feather), ..now.clone() }));
        });
        row(ui, &ctx.text("method-reach"), |ui| reach(ui, ctx, now, &edit));
    });
}

/// How much the mouth does, in per cent of the usual.
fn emphasis(ui: &mut egui::Ui, ctx: &mut Ctx, now: &Method, edit: &impl Fn(Method) -> Edit) {
    let mut percent = now.emphasis * 100.0;
    let slider = egui::Slider::new(&mut percent, 0.0..=Method::MOST_EMPHASIS * 100.0);
    let slider = ui.add(slider.max_decimals(0).suffix(" %"));
    let slider = named(slider, egui::Role::Slider, &ctx.text("method-emphasis"));
    let slider = slider.on_hover_text(ctx.text("method-emphasis-hint"));
    settle(ctx, &slider, edit(Method { emphasis: percent / 100.0, ..now.clone() }));
}

/// How far the mask reaches, in per cent of the usual.
fn reach(ui: &mut egui::Ui, ctx: &mut Ctx, now: &Method, edit: &impl Fn(Method) -> Edit) {
    let ways: [(&str, fn(&mut Reach) -> &mut f32); 3] = [
        ("reach-up", |reach| &mut reach.up),
        ("reach-side", |reach| &mut reach.side),
        ("reach-down", |reach| &mut reach.down),
    ];
    for (key, way) in ways {
        let mut reach = now.reach;
        let mut percent = *way(&mut reach) * 100.0;
        let field = egui::DragValue::new(&mut percent)
            .range(Reach::LEAST * 100.0..=Reach::MOST * 100.0)
            .max_decimals(0)
            .speed(0.5)
            .suffix(" %");
        let field = named(ui.add(field), egui::Role::SpinButton, &ctx.text(key)).on_hover_text(ctx.text(key));
        *way(&mut reach) = percent / 100.0;
        settle(ctx, &field, edit(Method { reach, ..now.clone() }));
    }
}

/// Where the editor has put the speaker's face.
fn placed_faces(ui: &mut egui::Ui, ctx: &mut Ctx, id: CueId, cue: &Cue) {
    ui.strong(ctx.text("inspector-face"));
    ui.horizontal_wrapped(|ui| {
        ctx.button(ui, Command::PlaceFace, "");
        if !cue.faces.is_empty() {
            ctx.button(ui, Command::TrackFace, "");
        }
    });
    for place in &cue.faces {
        let at = ctx.project.sequence.labels().format(place.at);
        ui.horizontal(|ui| {
            ui.monospace(format!("◆ {at}"));
            let name = format!("{} {at}", ctx.text("face-track-here"));
            if crate::window::widgets::icon(ui, "✖", &name, true).clicked() {
                ctx.edit(CueEdit::TrackFace { cue: id, at: Some((place.media, place.at)) });
            }
        });
    }
}

fn family(ui: &mut egui::Ui, ctx: &mut Ctx, now: &Method, edit: &impl Fn(Method) -> Edit) {
    let mut chosen = now.family.clone();
    let state = |name: &str| ctx.news.families.iter().find(|state| state.family == name);
    let ready = |name: &str| state(name).is_none_or(FamilyState::is_ready);
    let menu =
        egui::ComboBox::from_id_salt("family").selected_text(&now.family).height(400.0).show_ui(ui, |ui| {
            ui.set_min_width(260.0);
            for family in FAMILIES {
                let entry = family_entry(ui, ctx, family, state(family.name));
                let entry = ui.selectable_value(&mut chosen, family.name.to_string(), entry);
                let entry = named(entry, egui::Role::Button, family.name);
                entry.on_hover_text(family.summary);
            }
        });
    named(menu.response, egui::Role::ComboBox, &format!("{}: {}", ctx.text("method-family"), now.family));
    if !ready(&now.family) {
        ui.colored_label(ctx.theme.warning, "⚠").on_hover_text(ctx.text("method-lacks-weights"));
    }
    if chosen != now.family {
        // Weights belong to a family.
        let in_betweens = now.in_betweens && FAMILIES.iter().any(|f| f.name == chosen && f.in_betweens);
        let emphasis = if is_shipped(&chosen) { now.emphasis } else { 1.0 };
        let inner_every = if can_skip_inner(&chosen) { now.inner_every } else { 1 };
        let method =
            Method { family: chosen, checkpoint: None, in_betweens, inner_every, emphasis, ..now.clone() };
        ctx.act(Act::Edit(edit(method)));
    }
}

/// A family in the menu: its name, and below it how fast it is, what it lacks and under which terms it stands.
fn family_entry(ui: &egui::Ui, ctx: &Ctx, family: &Family, state: Option<&FamilyState>) -> LayoutJob {
    let lacks = state.is_some_and(|state| !state.is_ready()).then(|| ctx.text("family-lacks-weights"));
    let licence = state.and_then(|state| state.licence.clone());
    let facts: Vec<_> = lacks.into_iter().chain([pace(ctx, family.pace)]).chain(licence).collect();
    let mut entry = LayoutJob::default();
    let line = |size: f32, colour| TextFormat::simple(egui::FontId::proportional(size), colour);
    entry.append(family.name, 0.0, line(14.0, ui.visuals().text_color()));
    entry.append(&format!("\n{}", facts.join(" · ")), 0.0, line(11.0, ctx.theme.faint));
    entry.wrap.max_width = 320.0;
    entry
}

fn diffusion(ui: &mut egui::Ui, ctx: &mut Ctx, now: &Method, edit: &impl Fn(Method) -> Edit) {
    row(ui, &ctx.text("method-sampler"), |ui| {
        let mut sampler = now.sampler.clone();
        ui.horizontal_wrapped(|ui| {
            for name in SAMPLERS {
                ui.radio_value(&mut sampler, name.to_string(), name.to_uppercase());
            }
        });
        if sampler != now.sampler {
            ctx.act(Act::Edit(edit(Method { sampler, ..now.clone() })));
        }
    });
    row(ui, &ctx.text("method-steps"), |ui| {
        let mut steps = now.steps;
        let field = ui.add(egui::DragValue::new(&mut steps).range(1..=1000));
        let field = named(field, egui::Role::SpinButton, &ctx.text("method-steps"));
        settle(ctx, &field, edit(Method { steps, ..now.clone() }));
    });
    if can_skip_inner(&now.family) {
        row(ui, &ctx.text("method-inner-every"), |ui| {
            let mut inner_every = now.inner_every;
            let field = ui.add(egui::DragValue::new(&mut inner_every).range(1..=Method::MOST_INNER_EVERY));
            let field = named(field, egui::Role::SpinButton, &ctx.text("method-inner-every"));
            let field = field.on_hover_text(ctx.text("method-inner-every-hint"));
            settle(ctx, &field, edit(Method { inner_every, ..now.clone() }));
        });
    }
    row(ui, &ctx.text("method-seed"), |ui| {
        let mut seed = now.seed;
        let field = ui.add(egui::DragValue::new(&mut seed).range(0..=u64::from(u32::MAX)));
        let field = named(field, egui::Role::SpinButton, &ctx.text("method-seed"));
        settle(ctx, &field, edit(Method { seed, ..now.clone() }));
    });
    if FAMILIES.iter().any(|known| known.name == now.family && known.in_betweens) {
        row(ui, &ctx.text("method-in-betweens"), |ui| {
            let mut in_betweens = now.in_betweens;
            let words = ctx.text("method-in-betweens-carried");
            let field =
                ui.checkbox(&mut in_betweens, words).on_hover_text(ctx.text("method-in-betweens-hint"));
            if field.changed() {
                ctx.act(Act::Edit(edit(Method { in_betweens, ..now.clone() })));
            }
        });
    }
}

/// The speaker's reference pictures and the advisor's choice.
fn references(ui: &mut egui::Ui, ctx: &mut Ctx, id: CueId, cue: &Cue) {
    ui.strong(ctx.text("inspector-reference"));
    ui.horizontal_wrapped(|ui| {
        ctx.button(ui, Command::SetReference, "");
        ctx.button(ui, Command::ReferenceHere, "");
        ctx.button(ui, Command::Advise, "");
    });
    let Some((of, character)) =
        cue.character.and_then(|of| Some((of, ctx.project.characters.get(&of)?.clone())))
    else {
        ui.colored_label(ctx.theme.faint, ctx.text("reference-no-speaker"));
        return;
    };
    if character.references.is_empty() {
        ui.colored_label(ctx.theme.faint, ctx.text("reference-auto"));
    }
    for key in &character.references {
        ui.horizontal(|ui| {
            let labels = ctx.project.sequence.labels();
            ui.monospace(format!("{} → {}", labels.format(key.from), labels.format(key.picture)));
            let remove = crate::window::widgets::icon(ui, "✖", &ctx.text("reference-remove"), true);
            if remove.clicked() {
                let mut changed = character.clone();
                changed.references.retain(|other| other != key);
                ctx.edit(CastEdit::SetCharacter(of, changed));
            }
        });
    }
    advice(ui, ctx, id, cue, of, &character);
}

fn advice(ui: &mut egui::Ui, ctx: &mut Ctx, id: CueId, cue: &Cue, of: CharacterId, character: &Character) {
    let Some((_, pictures)) = ctx.news.advice.as_ref().filter(|(for_cue, _)| *for_cue == id) else { return };
    ui.label(ctx.text("reference-advised"));
    let mut chosen = None;
    ui.horizontal_wrapped(|ui| {
        for (advised, picture) in pictures {
            let size = picture.size_vec2() * (64.0 / picture.size_vec2().y.max(1.0));
            let label = format!("{:.0} %  {}", advised.score * 100.0, advised.at);
            let button = ui.add(egui::Button::image((picture.id(), size))).on_hover_text(&label);
            if named(button, egui::Role::Button, &label).clicked() {
                chosen = Some((advised.media, advised.at));
            }
        }
    });
    if let Some((media, picture)) = chosen {
        let start = ctx.project.picture_at(cue.range.start()).filter(|(clip, _)| clip.media == media);
        let from = start.map_or(Time::ZERO, |(_, film_time)| film_time);
        let mut changed = character.clone();
        changed.references.retain(|key| key.media != media || key.from != from);
        changed.references.push(Reference { media, from, picture });
        ctx.edit(CastEdit::SetCharacter(of, changed));
    }
}

fn clip_page(ui: &mut egui::Ui, ctx: &mut Ctx, track: &Track, clip: &Clip) {
    ui.strong(ctx.text("inspector-clip"));
    let media = ctx.project.media.get(&clip.media);
    egui::Grid::new("clip").num_columns(2).show(ui, |ui| {
        row(ui, &ctx.text("clip-media"), |ui| {
            ui.add(egui::Label::new(media.map_or("?", |media| media.name.as_str())).truncate());
        });
        row(ui, &ctx.text("clip-track"), |ui| drop(ui.label(&track.name)));
        row(ui, &ctx.text("clip-place"), |ui| {
            ui.monospace(format!("{} – {}", ctx.timecode(clip.start), ctx.timecode(clip.end())));
        });
        row(ui, &ctx.text("clip-source"), |ui| {
            let labels = ctx.project.sequence.labels();
            ui.monospace(format!(
                "{} – {}",
                labels.format(clip.source.start()),
                labels.format(clip.source.end())
            ));
        });
        row(ui, &ctx.text("clip-gain"), |ui| {
            let mut gain_db = clip.gain_db;
            let field = egui::DragValue::new(&mut gain_db).range(-60.0..=24.0).speed(0.1).suffix(" dB");
            let field = named(ui.add(field), egui::Role::SpinButton, &ctx.text("clip-gain"));
            settle(ctx, &field, ClipEdit::Gain { clip: clip.id, gain_db });
        });
        row(ui, &ctx.text("clip-fades"), |ui| {
            let mut fades = [clip.fade_in.secs_f64(), clip.fade_out.secs_f64()];
            for (at, key) in ["clip-fade-in", "clip-fade-out"].into_iter().enumerate() {
                let other = fades[1 - at];
                let most = (clip.duration().secs_f64() - other).max(0.0);
                let field = egui::DragValue::new(&mut fades[at]).range(0.0..=most).speed(0.01).suffix(" s");
                let field = named(ui.add(field), egui::Role::SpinButton, &ctx.text(key));
                let [fade_in, fade_out] = fades.map(Time::from_secs_f64);
                settle(ctx, &field, ClipEdit::Fade { clip: clip.id, fade_in, fade_out });
            }
        });
    });
}

fn project_page(ui: &mut egui::Ui, ctx: &mut Ctx) {
    ui.strong(ctx.text("inspector-project"));
    let name =
        text_field(ui, egui::Id::unique("project name"), &ctx.project.name, &ctx.text("project-name"), false);
    name.into_iter().for_each(|name| ctx.act(Act::Edit(Edit::Rename(name))));
    let settings = ctx.project.settings.clone();
    egui::Grid::new("project").num_columns(2).show(ui, |ui| {
        row(ui, &ctx.text("project-original"), |ui| {
            for (original, key) in [
                (Original::Mute, "original-mute"),
                (Original::Duck, "original-duck"),
                (Original::Keep, "original-keep"),
            ] {
                if ui.radio(settings.original == original, ctx.text(key)).clicked() {
                    ctx.act(Act::Edit(Edit::Settings(Settings { original, ..settings.clone() })));
                }
            }
        });
    });
    ui.strong(ctx.text("inspector-method"));
    let now = settings.method.clone();
    method(ui, ctx, &now, |method| Edit::Settings(Settings { method, ..settings.clone() }));
}
