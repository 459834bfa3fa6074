//! Who goes first where cores are few: what an editor looks at before what is rendered.

use rayon::{ThreadPool, ThreadPoolBuilder};
use std::sync::LazyLock;
use thread_priority::{ThreadPriority, set_current_thread_priority};

/// From now on this thread, and those that it starts, get what those leave that have not stood back. The lowest priority
/// keeps the window's work of a frame within 8 ms for 19 of 20 while lines render; a middle one did not (app/benches/README.md).
pub fn stand_back() {
    // Where the system does not let it, work goes on beside the window as it did.
    let _ = set_current_thread_priority(ThreadPriority::Min);
}

/// The threads that all work shares stand back too. For the first desk of a program; later ones find it done.
pub fn let_work_stand_back() {
    let _ = ThreadPoolBuilder::new()
        .thread_name(|i| format!("work-{i}"))
        .start_handler(|_| stand_back())
        .build_global();
}

/// `draw` on threads of its own: it queues behind no work, nor does it stand back.
pub fn first<T: Send>(draw: impl FnOnce() -> T + Send) -> T {
    static POOL: LazyLock<Option<ThreadPool>> =
        LazyLock::new(|| ThreadPoolBuilder::new().thread_name(|i| format!("draw-{i}")).build().ok());
    match &*POOL {
        Some(pool) => pool.install(draw),
        None => draw(),
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    /// This thread's: of the fields behind the name, which may hold anything, the 17th (proc(5)).
    fn niceness() -> i32 {
        let stat = std::fs::read_to_string("/proc/thread-self/stat").expect("read");
        let fields = stat.rsplit(')').next().expect("fields");
        fields.split_whitespace().nth(16).and_then(|field| field.parse().ok()).expect("a number")
    }

    #[test]
    fn who_stands_back_does_so_alone() {
        let before = niceness();
        let inside = std::thread::spawn(|| {
            stand_back();
            [niceness(), std::thread::spawn(niceness).join().expect("ended")]
        });
        assert_eq!(inside.join().expect("ended"), [19; 2]);
        assert_eq!(niceness(), before);
        assert_eq!(first(niceness), before);
    }
}
