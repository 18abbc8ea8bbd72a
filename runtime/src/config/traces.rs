//! Traces: the settings of OpenTelemetry, by its own names.

use super::Secret;
use clap::{Args, ValueEnum};
use percent_encoding::percent_decode_str;
use poem::http::Uri;
use std::collections::HashMap;

/// Traces over OTLP.
#[derive(Args, Clone, Debug)]
pub struct Traces {
    /// Where traces are sent: a collector that takes OTLP over HTTP, such as http://127.0.0.1:4318. Without it nothing is
    /// traced
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_name = "URL", value_parser = endpoint)]
    pub otlp_endpoint: Option<String>,
    /// Headers for the collector, such as a key: name=value, comma separated, values percent-encoded
    #[arg(long, env = "OTEL_EXPORTER_OTLP_HEADERS", value_name = "HEADERS", hide_env_values = true)]
    pub otlp_headers: Option<Secret>,
    /// Name of the service in traces; each has its own when this is not set
    #[arg(long, env = "OTEL_SERVICE_NAME", value_name = "NAME")]
    pub otel_service_name: Option<String>,
    /// Which traces are recorded; parentbased_… does as the caller does, where there is one
    #[arg(long, env = "OTEL_TRACES_SAMPLER", value_enum, default_value_t = Sampler::ParentbasedAlwaysOn)]
    pub traces_sampler: Sampler,
    /// Share of the traces that traceidratio records, 0 to 1
    #[arg(long, env = "OTEL_TRACES_SAMPLER_ARG", default_value = "1", value_parser = share)]
    pub traces_sampler_arg: f64,
}

/// Which traces are recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Sampler {
    /// All
    AlwaysOn,
    /// None
    AlwaysOff,
    /// A share of all
    #[value(name = "traceidratio")]
    TraceIdRatio,
    /// As the caller does, else all
    ParentbasedAlwaysOn,
    /// As the caller does, else none
    ParentbasedAlwaysOff,
    /// As the caller does, else a share
    #[value(name = "parentbased_traceidratio")]
    ParentbasedTraceIdRatio,
}

impl Traces {
    /// Where spans are sent; `None` where nothing is traced.
    pub(crate) fn address(&self) -> Option<String> {
        let endpoint = self.otlp_endpoint.as_deref().filter(|endpoint| !endpoint.is_empty())?;
        Some(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
    }

    /// The headers, by their names.
    pub(crate) fn headers(&self) -> HashMap<String, String> {
        let headers = self.otlp_headers.as_ref().map_or("", Secret::expose);
        let pairs = headers.split(',').filter_map(|header| header.split_once('='));
        pairs
            .map(|(name, value)| (name.trim(), percent_decode_str(value.trim()).decode_utf8_lossy()))
            .map(|(name, value)| (name.to_owned(), value.into_owned()))
            .collect()
    }
}

/// An address, or nothing, which is as good as not set.
fn endpoint(text: &str) -> Result<String, &'static str> {
    let uri = text.parse::<Uri>().ok().filter(|uri| uri.host().is_some());
    match uri.as_ref().and_then(Uri::scheme_str) {
        Some("http" | "https") => Ok(text.to_owned()),
        _ if text.is_empty() => Ok(String::new()),
        _ => Err("is no address of the form http://host:port or https://host:port"),
    }
}

fn share(text: &str) -> Result<f64, &'static str> {
    text.parse().ok().filter(|share| (0.0..=1.0).contains(share)).ok_or("is no number from 0 to 1")
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser, Debug)]
    struct Config {
        #[command(flatten)]
        traces: Traces,
    }

    fn traces(args: &[&str]) -> Result<Traces, clap::Error> {
        Config::try_parse_from([&["test"], args].concat()).map(|config| config.traces)
    }

    #[test]
    fn an_endpoint_is_an_address_or_nothing() {
        let address = |endpoint| traces(&["--otlp-endpoint", endpoint]).expect("it is taken").address();
        assert_eq!(address("http://collector:4318/").as_deref(), Some("http://collector:4318/v1/traces"));
        assert_eq!(address("https://host/otlp").as_deref(), Some("https://host/otlp/v1/traces"));
        assert_eq!(address(""), None);
        assert_eq!(traces(&[]).expect("nothing has to be set").address(), None);
        for wrong in ["collector:4318", "ftp://collector", "/v1/traces", "http://"] {
            assert!(traces(&["--otlp-endpoint", wrong]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn headers_are_decoded() {
        let headers = traces(&["--otlp-headers", "authorization=Basic%20YQ==, x-team = a"]).expect("taken").headers();
        assert_eq!(headers["authorization"], "Basic YQ==");
        assert_eq!(headers["x-team"], "a");
        assert!(traces(&[]).expect("nothing has to be set").headers().is_empty());
    }

    #[test]
    fn samplers_have_the_names_of_the_specification() {
        for (name, sampler) in [
            ("always_on", Sampler::AlwaysOn),
            ("traceidratio", Sampler::TraceIdRatio),
            ("parentbased_always_off", Sampler::ParentbasedAlwaysOff),
            ("parentbased_traceidratio", Sampler::ParentbasedTraceIdRatio),
        ] {
            assert_eq!(traces(&["--traces-sampler", name]).expect("it is known").traces_sampler, sampler);
        }
        assert!(traces(&["--traces-sampler", "jaeger_remote"]).is_err());
        assert!(traces(&["--traces-sampler-arg", "1.5"]).is_err());
    }
}
