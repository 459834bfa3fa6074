//! Names as the network's own code has them: training wrappers decorate or mangle what they save.

use std::collections::{HashMap, HashSet};

/// Takes the `module.` of `DataParallel` out of all names and gives Lightning's averaged weights
/// (`model_ema.`) back the dots that their keeper removes. Names that would become equal stay as they are.
pub fn tidy(names: &mut [String]) {
    let short: Vec<String> = names.iter().map(|name| without_module(name)).collect();
    if short.iter().collect::<HashSet<_>>().len() == names.len() {
        names.clone_from_slice(&short);
    }
    restore_dots(names);
}

fn without_module(name: &str) -> String {
    name.split('.').filter(|part| *part != "module").collect::<Vec<_>>().join(".")
}

/// `model_ema.diffusion_modelout0bias` is the average of `model.diffusion_model.out.0.bias`.
fn restore_dots(names: &mut [String]) {
    const AVERAGED: &str = "model_ema.";
    let Some(at) = names.iter().find_map(|name| name.find(AVERAGED)) else { return };
    let mut dotted: HashMap<String, Option<String>> = HashMap::new();
    for name in names.iter() {
        let Some(own) = name.get(at..).and_then(|own| own.strip_prefix("model.")) else { continue };
        dotted
            .entry(own.replace('.', ""))
            .and_modify(|ambiguous| *ambiguous = None)
            .or_insert_with(|| Some(own.to_owned()));
    }
    for name in names {
        let Some(mangled) = name.get(at..).and_then(|own| own.strip_prefix(AVERAGED)) else { continue };
        if let Some(Some(own)) = dotted.get(mangled) {
            *name = format!("{}{AVERAGED}{own}", &name[..at]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::tidy;

    fn tidied(names: &[&str]) -> Vec<String> {
        let mut names: Vec<String> = names.iter().map(|name| name.to_string()).collect();
        tidy(&mut names);
        names
    }

    #[test]
    fn data_parallel_leaves_no_trace() {
        assert_eq!(tidied(&["state_dict.module.a.b", "step"]), ["state_dict.a.b", "step"]);
        assert_eq!(tidied(&["submodule.a"]), ["submodule.a"]);
        assert_eq!(tidied(&["module.a", "a"]), ["module.a", "a"], "a clash");
    }

    #[test]
    fn averaged_weights_get_their_dots_back() {
        let names = ["sd.model.net.out.0.bias", "sd.model_ema.netout0bias", "sd.model_ema.decay"];
        assert_eq!(tidied(&names)[1..], ["sd.model_ema.net.out.0.bias", "sd.model_ema.decay"]);
        let unclear = ["model.a.1.2", "model.a.12", "model_ema.a12"];
        assert_eq!(tidied(&unclear)[2], "model_ema.a12");
    }
}
