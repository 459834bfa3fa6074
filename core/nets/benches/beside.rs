//! Runs a network's forward pass, or an operation, for every name on the standard input and writes its seconds
//! to the standard output: so `packaging/bench` can take turns between this and the same in PyTorch
//! (`packaging/bench.d/forward.py` speaks the same way).

#[path = "support/networks.rs"]
mod networks;
#[path = "support/operations.rs"]
mod operations;

use std::io::{self, BufRead, Write};
use std::time::Instant;

use networks::Forward;
use operations::By;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut forward = None;
    for line in io::stdin().lock().lines() {
        let name = line?;
        if forward.as_ref().is_none_or(|(known, _)| *known != name) {
            forward = Some((name.clone(), named(&name)?));
        }
        let Some((_, run)) = &forward else { continue };
        let begin = Instant::now();
        run()?;
        println!("{:.6}", begin.elapsed().as_secs_f64());
        io::stdout().flush()?;
    }
    Ok(())
}

fn named(name: &str) -> lipsmith_nets::Result<Forward> {
    match operations::operation(name, By::Us) {
        Some(run) => Ok(Box::new(move || Ok(run()?))),
        None => networks::forward(name),
    }
}
