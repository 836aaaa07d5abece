//! Runs what strangers wrote (a model's chat template, a schema) with a limit on its
//! time, its memory and its stack.
//!
//! Neither library can be interrupted from outside, and Rust ends the process when
//! memory cannot be had. So such work gets a thread of its own, and this crate's
//! allocator counts what that thread takes: beyond its limits, it is never given
//! anything again and sleeps for ever. Its memory is lost; after a few of those
//! nothing more is run.

// An allocator is unsafe by its nature. This one hands every call on to the system's.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// Most threads of one kind of work that may be lost.
const MAX_LOST: usize = 4;

/// How often whoever waits looks whether it waits in vain.
const POLL: Duration = Duration::from_millis(10);

/// What a thread may still take.
#[derive(Clone, Copy)]
struct Allowance {
    bytes: usize,
    until: Instant,
    /// Where to say that it wanted more; lives as long as the thread.
    exceeded: *const AtomicBool,
}

thread_local! {
    /// `None` where nothing is limited. Needs no destructor, so that the allocator
    /// can always look at it.
    static ALLOWANCE: Cell<Option<Allowance>> = const { Cell::new(None) };
}

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

impl Counting {
    /// The thread wants so many bytes more. Does not return when it may not have them.
    fn take(bytes: usize) {
        ALLOWANCE.with(|cell| {
            let Some(mut allowance) = cell.get() else {
                return;
            };
            let exceeded = bytes > allowance.bytes || Instant::now() > allowance.until;
            // A panic is told with locks held that every thread needs.
            if exceeded && !thread::panicking() {
                // SAFETY: the thread's closure owns it and does not end any more.
                unsafe { &*allowance.exceeded }.store(true, Ordering::Release);
                // To unwind out of an allocator is undefined, and to give nothing would
                // end the process.
                loop {
                    thread::sleep(Duration::MAX);
                }
            }
            allowance.bytes = allowance.bytes.saturating_sub(bytes);
            cell.set(Some(allowance));
        });
    }

    fn give_back(bytes: usize) {
        ALLOWANCE.with(|cell| {
            if let Some(mut allowance) = cell.get() {
                allowance.bytes = allowance.bytes.saturating_add(bytes);
                cell.set(Some(allowance));
            }
        });
    }
}

// SAFETY: the system's allocator does all of it; counting touches no memory of its own.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Self::take(layout.size());
        // SAFETY: the caller's promises are handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        Self::take(layout.size());
        // SAFETY: the caller's promises are handed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        Self::give_back(layout.size());
        // SAFETY: the caller's promises are handed on.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        Self::take(size);
        Self::give_back(layout.size());
        // SAFETY: the caller's promises are handed on.
        unsafe { System.realloc(memory, layout, size) }
    }
}

/// The limits of one kind of work.
#[derive(Debug)]
pub struct Confined {
    /// Bytes of memory that it may have at a time.
    pub bytes: usize,
    /// How long it may take.
    pub time: Duration,
    /// Bytes of stack.
    pub stack: usize,
    lost: Arc<AtomicUsize>,
}

/// Why there is no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// It wanted more time or memory than it may have.
    Exceeded,
    /// It panicked.
    Panicked,
    /// Others of its kind were lost, or the system gave no thread.
    NotRun,
}

impl Confined {
    /// Work with these limits.
    #[must_use]
    pub fn new(bytes: usize, time: Duration, stack: usize) -> Self {
        Self {
            bytes,
            time,
            stack,
            lost: Arc::default(),
        }
    }

    /// Runs `work` on a thread of its own and waits for it.
    ///
    /// # Errors
    /// See [`Lost`].
    pub fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Lost> {
        if self.lost.load(Ordering::Acquire) >= MAX_LOST {
            return Err(Lost::NotRun);
        }
        let (reply, result) = sync_channel(1);
        let until = Instant::now() + self.time;
        let bytes = self.bytes;
        let exceeded = Arc::new(AtomicBool::new(false));
        let theirs = exceeded.clone();
        thread::Builder::new()
            .name("hearth-confined".into())
            .stack_size(self.stack)
            .spawn(move || {
                ALLOWANCE.set(Some(Allowance {
                    bytes,
                    until,
                    exceeded: Arc::as_ptr(&theirs),
                }));
                let done = work();
                ALLOWANCE.set(None);
                // Whoever asked may have given up.
                let _ = reply.send(done);
            })
            .map_err(|_| Lost::NotRun)?;
        loop {
            match result.recv_timeout(POLL) {
                Ok(done) => return Ok(done),
                Err(RecvTimeoutError::Disconnected) => return Err(Lost::Panicked),
                Err(RecvTimeoutError::Timeout) => {
                    if exceeded.load(Ordering::Acquire) || Instant::now() > until {
                        self.lost.fetch_add(1, Ordering::AcqRel);
                        return Err(Lost::Exceeded);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn confined() -> Confined {
        Confined::new(1 << 20, Duration::from_millis(200), 1 << 20)
    }

    #[test]
    fn work_within_its_limits_gives_its_result() {
        let text = confined().run(|| "x".repeat(500_000));
        assert_eq!(text.map(|text| text.len()), Ok(500_000));
    }

    #[test]
    fn memory_given_back_may_be_taken_again() {
        let taken = confined().run(|| (0..100).map(|_| vec![1u8; 600_000].len()).sum());
        assert_eq!(taken, Ok(60_000_000));
    }

    #[test]
    fn what_doubles_its_memory_is_stopped() {
        let doubled = confined().run(|| {
            let mut text = "x".to_owned();
            loop {
                text = format!("{text}{text}");
            }
        });
        assert_eq!(doubled.map(|never: ()| never), Err(Lost::Exceeded));
    }

    #[test]
    fn what_takes_too_long_is_stopped_with_its_next_allocation() {
        let allocations = Arc::new(AtomicUsize::new(0));
        let theirs = allocations.clone();
        let result = confined().run(move || {
            loop {
                drop(vec![1u8; 1000]);
                theirs.fetch_add(1, Ordering::AcqRel);
            }
        });
        assert_eq!(result.map(|never: ()| never), Err(Lost::Exceeded));
        let mut before = 0;
        while before != allocations.load(Ordering::Acquire) {
            before = allocations.load(Ordering::Acquire);
            for _ in 0..1000 {
                thread::yield_now();
            }
        }
    }

    #[test]
    fn a_panic_is_an_answer() {
        // Telling where it was may take a while.
        let confined = Confined::new(1 << 20, Duration::from_secs(60), 1 << 20);
        let result = confined.run(|| panic!("odd"));
        assert_eq!(result, Err::<(), _>(Lost::Panicked));
    }

    #[test]
    fn after_a_few_that_were_lost_none_is_run() {
        let confined = confined();
        confined.lost.store(MAX_LOST, Ordering::Release);
        assert_eq!(confined.run(|| 1), Err(Lost::NotRun));
    }
}
