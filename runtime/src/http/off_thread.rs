//! Work that takes a processor, off the threads that serve.

use super::problem::Problem;

/// Does work off the threads that serve. Its turn is held as long as it lasts, whether or not anybody waits for it still.
///
/// # Errors
/// 500 where it panics.
pub async fn off_thread<T: Send + 'static>(
    turn: impl Send + 'static,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    let work = move || {
        let _turn = turn;
        work()
    };
    tokio::task::spawn_blocking(work).await.map_err(|_| Problem::internal())
}
