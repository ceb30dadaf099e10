//! Arguments in, exit code out.

/// Judging allocates many small, short-lived pieces on every core; the system allocator spent a third of the run on that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    interloper::cli::main()
}
