//! What the assistant counts.

use super::chat::REASONS;
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

/// Usable answers.
pub(crate) const ANSWERS: &str = "syncboard_assistant_answers_total";
/// Questions without a usable answer, by reason.
pub(crate) const FAILURES: &str = "syncboard_assistant_failures_total";
/// Questions given up.
pub(crate) const GIVEN_UP: &str = "syncboard_assistant_given_up_total";
/// Tokens, as the endpoint counts them.
pub(crate) const TOKENS: &str = "syncboard_assistant_tokens_total";
/// Time of one question.
pub(crate) const SECONDS: &str = "syncboard_assistant_question_duration_seconds";
/// Whether the day's tokens are spent.
pub(crate) const WAITING: &str = "syncboard_assistant_budget_exhausted";
/// Whether a question waits for an endpoint that is away or refuses everything.
pub(crate) const AWAY: &str = "syncboard_assistant_model_away";
/// Where in the log it stands.
pub(crate) const POSITION: &str = "syncboard_assistant_position";

/// Describes them, and begins every one at 0: a counter that appears with its first event has no rate at that event.
pub(crate) fn begin() {
    describe_counter!(ANSWERS, "usable answers of the language model");
    describe_counter!(FAILURES, "questions without a usable answer, by reason");
    describe_counter!(GIVEN_UP, "questions given up");
    describe_counter!(TOKENS, "tokens, as the endpoint counts them");
    describe_histogram!(SECONDS, Unit::Seconds, "time of one question");
    describe_gauge!(WAITING, "1 while the day's tokens are spent");
    describe_gauge!(AWAY, "1 while a question waits for a language model that is away or refuses everything");
    describe_gauge!(POSITION, "sequence up to which documents have been seen");
    for name in [ANSWERS, GIVEN_UP, TOKENS] {
        counter!(name).increment(0);
    }
    for reason in REASONS {
        counter!(FAILURES, "reason" => reason).increment(0);
    }
    drop(histogram!(SECONDS));
    for name in [WAITING, AWAY] {
        gauge!(name).set(0.0);
    }
}
