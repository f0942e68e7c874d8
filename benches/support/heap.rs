//! An allocator that counts. It is the system's, and two relaxed additions.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
};

pub struct Heap {
    allocations: AtomicU64,
    bytes: AtomicI64,
}

impl Heap {
    pub const fn new() -> Self {
        Self { allocations: AtomicU64::new(0), bytes: AtomicI64::new(0) }
    }

    /// How many pieces of memory were ever asked for.
    pub fn allocations(&self) -> u64 {
        self.allocations.load(Relaxed)
    }

    /// The bytes that are taken.
    pub fn bytes(&self) -> i64 {
        self.bytes.load(Relaxed)
    }

    fn count(&self, before: usize, after: usize) {
        self.allocations.fetch_add(u64::from(after > 0), Relaxed);
        self.bytes.fetch_add(after as i64 - before as i64, Relaxed);
    }
}

// SAFETY: everything is handed to the system's allocator as it is; counting allocates nothing.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.count(0, layout.size());
        // SAFETY: the caller keeps the contract of this very function.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        self.count(0, layout.size());
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        self.count(layout.size(), size);
        // SAFETY: as above.
        unsafe { System.realloc(memory, layout, size) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        self.count(layout.size(), 0);
        // SAFETY: as above.
        unsafe { System.dealloc(memory, layout) }
    }
}

/// What the process has of the machine's memory, where the system tells it.
pub fn resident() -> Option<i64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<i64>().ok()? << 10)
}
