//! Something to say in many languages: sentences written for this, and words that mean nothing but move the
//! mouth in every way.

use super::flite;
use lipsmith_base::Random;

/// espeak-ng's names of the languages, and what is said in them.
const SENTENCES: &[(&[&str], &[&str])] = &[
    (
        &["en-us", "en-gb", "en-gb-scotland", "en-gb-x-rp", "en-029"],
        &[
            "Five brave women borrowed a pump from the mayor before the film began.",
            "Maybe the boat will move when the wind blows over the bay.",
            "She poured warm milk into a blue bowl and waved at the postman.",
            "We were both amazed how far above the bridge the balloon floated.",
            "Bob, would you mind if Vivian phoned you about the apples tomorrow?",
            "The old farmer wove a basket while his puppy slept under the palm tree.",
            "I thought we had paid for the first show, but nobody found the money.",
            "Open your mouth, breathe out, and hum the opening of the waltz.",
            "Four fishermen pushed off at dawn, and by noon they were home with empty nets.",
            "Please put the brown umbrella above my winter coat, not below it.",
            "A moment ago the whole room was quiet; now everybody is laughing.",
            "Which of the two voices do you believe, the first or the fourth?",
        ],
    ),
    (
        &["de"],
        &[
            "Am Montag kommen fünf Freunde aus Wien zu Besuch und bleiben bis Mittwoch.",
            "Bitte machen Sie das Fenster auf, bevor wir mit der Probe beginnen.",
            "Der Film war so komisch, dass meine Mutter vor Lachen weinte.",
            "Über dem Fluss schwebt ein Ballon, und unten bellt ein müder Hund.",
            "Woher wissen wir, ob die Blumen im Frühling wieder blühen?",
        ],
    ),
    (
        &["fr-fr", "fr-be", "fr-ch"],
        &[
            "Mon voisin vend des pommes vertes au marché tous les samedis.",
            "Pourquoi veux-tu partir avant que le beau film commence ?",
            "La petite fille a oublié son parapluie bleu devant la boulangerie.",
            "Nous avons bu un bon café sous les arbres du vieux boulevard.",
        ],
    ),
    (
        &["es", "es-419"],
        &[
            "Mi abuela vive en un pueblo blanco muy cerca del mar.",
            "Vamos a buscar un barco bonito para el viaje de verano.",
            "El hombre que vendía plumas hablaba bajo y miraba por la ventana.",
            "Por favor, mueve la mesa un poco y abre la puerta.",
        ],
    ),
    (
        &["it"],
        &[
            "Buongiorno, vorrei provare il vestito bianco che è in vetrina.",
            "Il bambino beve il latte mentre la mamma prepara la pasta.",
            "Domani mattina partiamo presto per vedere l'alba sul mare.",
        ],
    ),
    (
        &["pt", "pt-br"],
        &[
            "Amanhã vou comprar um bolo de maçã para a minha família.",
            "O pombo branco voava por cima da ponte quando começou a chover.",
            "Você poderia falar mais devagar, por favor?",
        ],
    ),
    (
        &["nl"],
        &[
            "Mijn broer woont boven een bakker en ruikt elke morgen vers brood.",
            "Wij wachten voor de brug tot de boot voorbij is gevaren.",
        ],
    ),
    (
        &["sv", "nb", "da"],
        &["Min mamma bor på en liten ö med bara fem familjer.", "Vem har flyttat på mina blommor?"],
    ),
    (
        &["pl"],
        &[
            "Mój brat mówi, że woli pływać w morzu niż w basenie.",
            "Proszę bardzo, oto bułka z masłem i filiżanka ciepłej kawy.",
        ],
    ),
    (
        &["ru"],
        &[
            "Моя бабушка любит пить чай с вареньем у окна.",
            "Вы не могли бы повторить последнюю фразу помедленнее?",
        ],
    ),
    (
        &["tr"],
        &["Babam bu sabah bahçede büyük bir kuş gördü.", "Pencereyi biraz açabilir misin, burası çok sıcak."],
    ),
    (
        &["fi"],
        &[
            "Meidän vene on vielä rannassa, mutta tuuli voimistuu.",
            "Mummo paistoi pullaa ja puhui puhelimessa.",
        ],
    ),
    (&["cs"], &["Moje babička pěstuje fialky a vaří výbornou bramborovou polévku."]),
    (&["hu"], &["A barátom minden vasárnap friss virágot visz a piacra."]),
    (&["el"], &["Η μαμά μου μαγειρεύει φασόλια και πίνει καφέ στο μπαλκόνι."]),
    (&["ja"], &["ははは まいあさ ぱんを ふたつ たべます。", "あめが ふる まえに うみべを あるきましょう。"]),
    (&["cmn"], &["妈妈买了八本故事书。", "朋友们在公园里放风筝。"]),
    (&["hi"], &["मेरी माँ बाज़ार से फल और फूल लाई है।"]),
    (&["ar"], &["ذهب أبي إلى السوق ليشتري خبزا وموزا."]),
];

/// Voices of espeak-ng that sound like people.
const VARIANTS: [&str; 30] = [
    "", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "f1", "f2", "f3", "f4", "f5", "klatt", "klatt2",
    "klatt3", "klatt4", "Andy", "Annie", "adam", "anika", "belinda", "linda", "Michael", "steph", "Jacky",
    "Denis", "caleb", "david",
];

fn one<'a, T: ?Sized>(r: &mut Random, of: &[&'a T]) -> &'a T {
    of[((r.unit() * of.len() as f32) as usize).min(of.len() - 1)]
}

/// A voice's name, for whom, and what it says.
pub struct Talker {
    pub voice: String,
    /// A voice of flite's, else of espeak-ng's.
    pub flite: bool,
    sentences: &'static [&'static str],
}

impl Talker {
    /// `flite`: how likely it speaks, 0..=1.
    pub fn random(r: &mut Random, flite: f32) -> Talker {
        if flite > 0.0 && r.unit() < flite {
            return Talker { voice: one(r, &flite::VOICES).into(), flite: true, sentences: SENTENCES[0].1 };
        }
        // English for a third: most is written for it.
        let row = if r.unit() < 0.33 { 0 } else { (r.unit() * SENTENCES.len() as f32) as usize };
        let (languages, sentences) = SENTENCES[row.min(SENTENCES.len() - 1)];
        let (language, variant) = (one(r, languages), one(r, &VARIANTS));
        let voice = if variant.is_empty() { language.to_string() } else { format!("{language}+{variant}") };
        Talker { voice, flite: false, sentences }
    }

    /// The next thing said: a sentence, or words without meaning.
    pub fn next(&self, r: &mut Random) -> String {
        if r.unit() < 0.55 { one(r, self.sentences).to_string() } else { babble(r) }
    }
}

/// Two to seven invented words, rich in sounds that the lips make.
pub fn babble(r: &mut Random) -> String {
    const ONSETS: [&str; 26] = [
        "b", "p", "m", "f", "v", "w", "b", "p", "m", "f", "v", "w", "t", "d", "s", "sh", "ch", "k", "g", "l",
        "r", "n", "br", "fl", "st", "",
    ];
    const VOWELS: [&str; 12] = ["a", "a", "e", "i", "o", "u", "oo", "ee", "ai", "au", "o", "a"];
    const CODAS: [&str; 12] = ["", "", "", "", "", "m", "n", "p", "l", "s", "t", "f"];
    let words = 2 + (r.unit() * 6.0) as usize;
    let word = |r: &mut Random| {
        let syllables = 1 + (r.unit() * 3.0) as usize;
        (0..syllables)
            .map(|_| [one(r, &ONSETS), one(r, &VOWELS), one(r, &CODAS)].concat())
            .collect::<String>()
    };
    (0..words).map(|_| word(r)).collect::<Vec<_>>().join(" ")
}
