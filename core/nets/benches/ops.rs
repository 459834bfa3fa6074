//! Times of single operations, ours beside Candle's own, and of whole networks.
//! (`packaging/bench` sets the same beside PyTorch.)

#[path = "support/networks.rs"]
mod networks;
#[path = "support/operations.rs"]
mod operations;

use divan::Bencher;
use operations::By;

fn main() {
    divan::main();
}

#[divan::bench(args = operations::NAMES)]
fn ours(bencher: Bencher, name: &str) {
    time(bencher, name, By::Us);
}

#[divan::bench(args = operations::NAMES)]
fn candle(bencher: Bencher, name: &str) {
    time(bencher, name, By::Candle);
}

fn time(bencher: Bencher, name: &str, by: By) {
    let run = operations::operation(name, by).expect("every name is of an operation");
    bencher.bench_local(|| run().expect("it runs"));
}

#[divan::bench(args = networks::NAMES, sample_count = 5)]
fn network(bencher: Bencher, name: &str) {
    let run = networks::forward(name).expect("every name is of a network");
    bencher.bench_local(|| run().expect("it runs"));
}
