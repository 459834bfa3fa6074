//! Runs a network's forward pass, or an operation, for every name on the standard input and writes its seconds
//! to the standard output: so `packaging/bench` can take turns between this and the same in PyTorch
//! (`packaging/bench.d/forward.py` speaks the same way).

#[path = "support/networks.rs"]
mod networks;
#[path = "support/operations.rs"]
mod operations;

use std::io::{self, BufRead, Write};
use std::time::Instant;

use lipsmith_nets::ops::Precision;
use networks::Forward;
use operations::By;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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

/// A network or an operation of ours, or after `candle/` Candle's own; before `_half` at half precision.
fn named(name: &str) -> lipsmith_nets::Result<Forward> {
    if let Some(name) = name.strip_suffix("_half") {
        let run = named(name)?;
        return Ok(Box::new(move || Precision::Half.within(&run)));
    }
    let (name, by) = match name.strip_prefix("candle/") {
        Some(name) => (name, By::Candle),
        None => (name, By::Us),
    };
    match operations::operation(name, by) {
        Some(run) => Ok(Box::new(move || Ok(run()?))),
        None => networks::forward(name),
    }
}
