//! Arguments in, exit code out.

fn main() -> std::process::ExitCode {
    interloper::cli::main()
}
