//! The `unreel` binary: calls the library and returns its exit code.

fn main() -> std::process::ExitCode {
    unreel::internals::cli::main(std::env::args_os())
}
