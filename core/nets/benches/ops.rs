//! Times of single operations, ours beside Candle's own, and of whole networks.
//! (`packaging/bench` sets the same beside PyTorch.)

#[path = "support/networks.rs"]
mod networks;
#[path = "support/operations.rs"]
mod operations;

use divan::Bencher;
use operations::By;

const OPERATIONS: [&str; 12] = [
    "conv3_128_at_64",
    "conv3_256_at_32",
    "conv3_512_at_16",
    "conv3_stride2_128_at_64",
    "conv1_512_at_16",
    "conv_transpose4_256_at_32",
    "group_norm_silu_128_at_64",
    "silu_256_at_64",
    "attention_256_at_16",
    "upsample_256_at_32",
    "avg_pool_128_at_64",
    "conv3_gradients_64_at_32_b4",
];

const NETWORKS: [&str; 3] = ["diff2lip_unet", "wav2lip_generator", "wav2lip_generator_b8"];

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    divan::main();
}

#[divan::bench(args = OPERATIONS)]
fn ours(bencher: Bencher, name: &str) {
    time(bencher, name, By::Us);
}

#[divan::bench(args = OPERATIONS)]
fn candle(bencher: Bencher, name: &str) {
    time(bencher, name, By::Candle);
}

fn time(bencher: Bencher, name: &str, by: By) {
    let run = operations::operation(name, by).expect("every name is of an operation");
    bencher.bench_local(|| run().expect("it runs"));
}

#[divan::bench(args = NETWORKS, sample_count = 5)]
fn network(bencher: Bencher, name: &str) {
    let run = networks::forward(name).expect("every name is of a network");
    bencher.bench_local(|| run().expect("it runs"));
}
