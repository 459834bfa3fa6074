//! The networks that the program carries: whole, small, and written again where they were damaged.

use lipsmith_engine::{FAMILIES, shipped};
use lipsmith_nets::zoo::{self, Network};
use std::fs;

#[test]
fn what_ships_is_whole_small_and_restored_when_it_was_damaged() {
    let data = tempfile::tempdir().unwrap();
    let mut bytes = 0;
    for family in FAMILIES.iter().filter(|family| family.shipped) {
        let path = shipped::weights(family.name, data.path()).unwrap().unwrap();
        let network = family.network.and_then(Network::by_name).unwrap();
        let (checkpoint, found) = zoo::open(&path, network).unwrap();
        assert!(found.is_complete() && checkpoint.words().contains_key("licence"));
        bytes += checkpoint.bytes().len();
        drop(checkpoint);
        fs::write(&path, b"damaged").unwrap();
        shipped::weights(family.name, data.path()).unwrap();
        assert!(zoo::open(&path, network).is_ok());
    }
    assert!((1..=25_000_000).contains(&bytes), "{bytes}");
    assert!(shipped::weights("rewrite", data.path()).unwrap().is_none());
}
