package main

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Limits of what faults may ask for.
const (
	maxLatency   = 30 * time.Second
	maxMemoryMiB = 64 << 10
	maxDelay     = 15 * time.Second
	maxAsk       = time.Hour
)

var currencyPattern = regexp.MustCompile(`^[A-Z]{3}$`)

// config is what the environment sets; the chart's ConfigMap holds it.
type config struct {
	site          string
	currency      string        // ISO 4217
	inference     string        // the model's base address, "" without one
	askWithin     time.Duration // how long an order waits for the model
	otlp          string        // "" exports nothing
	serviceName   string
	sampler       string
	listen        string
	metricsListen string
	handOver      time.Duration // not ready, but still serving, before the end
	faultsEnabled bool          // PUT /faults answers
	faults        Faults
}

// environment reads variables and remembers every one that is not understood.
type environment struct {
	get  func(string) string
	errs []error
}

// configFrom reads the configuration. Its error names every variable that is
// wrong, and what would be right.
func configFrom(getenv func(string) string) (config, error) {
	e := &environment{get: getenv}
	cfg := config{
		site:          e.text("SITE", "unknown"),
		currency:      e.text("CURRENCY", "EUR"),
		inference:     e.address("INFERENCE_URL"),
		askWithin:     e.duration("INFERENCE_TIMEOUT", 150*time.Millisecond, maxAsk),
		otlp:          e.address("OTEL_EXPORTER_OTLP_ENDPOINT"),
		serviceName:   e.text("OTEL_SERVICE_NAME", "order-service"),
		sampler:       e.text("OTEL_TRACES_SAMPLER", "parentbased_always_on"),
		listen:        e.text("LISTEN_ADDRESS", ":8080"),
		metricsListen: e.text("METRICS_ADDRESS", ":9464"),
		handOver:      e.duration("SHUTDOWN_DELAY", 5*time.Second, maxDelay),
		faultsEnabled: e.flag("FAULTS_ENABLED"),
		faults: Faults{
			Latency:      Duration(e.duration("FAULT_LATENCY", 0, maxLatency)),
			LatencyShare: e.share("FAULT_LATENCY_SHARE"),
			ErrorShare:   e.share("FAULT_ERROR_SHARE"),
			MemoryMiB:    e.number("FAULT_MEMORY_MIB"),
			CrashAfter:   e.number("FAULT_CRASH_AFTER"),
			CrashAtStart: e.flag("FAULT_CRASH_AT_START"),
			Readiness:    e.flag("FAULT_READINESS"),
			Liveness:     e.flag("FAULT_LIVENESS"),
		},
	}
	if !currencyPattern.MatchString(cfg.currency) {
		e.wrong("CURRENCY", cfg.currency, "three capital letters of ISO 4217")
	}
	if _, err := sampler(cfg.sampler); err != nil {
		e.wrong("OTEL_TRACES_SAMPLER", cfg.sampler, err.Error())
	}
	if err := cfg.faults.check(); err != nil && len(e.errs) == 0 {
		e.errs = append(e.errs, fmt.Errorf("the variables FAULT_…: %w", err))
	}
	return cfg, errors.Join(e.errs...)
}

func (e *environment) wrong(name, value, want string) {
	e.errs = append(e.errs, fmt.Errorf("%s=%q: want %s", name, value, want))
}

func (e *environment) text(name, unset string) string {
	if value := e.get(name); value != "" {
		return value
	}
	return unset
}

func (e *environment) address(name string) string {
	value := e.get(name)
	if value == "" {
		return ""
	}
	u, err := url.Parse(value)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		e.wrong(name, value, "http:// or https:// and a host")
	}
	return strings.TrimSuffix(value, "/")
}

func (e *environment) duration(name string, unset, most time.Duration) time.Duration {
	value := e.get(name)
	if value == "" {
		return unset
	}
	d, err := time.ParseDuration(value)
	if err != nil || d < 0 || d > most {
		e.wrong(name, value, "a duration of at most "+most.String())
	}
	return d
}

func (e *environment) share(name string) float64 {
	value := e.get(name)
	if value == "" {
		return 0
	}
	share, err := strconv.ParseFloat(value, 64)
	if err != nil || !isShare(share) {
		e.wrong(name, value, "a share from 0 to 1")
		return 0
	}
	return share
}

func (e *environment) number(name string) int64 {
	value := e.get(name)
	if value == "" {
		return 0
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n < 0 {
		e.wrong(name, value, "a whole number, not negative")
	}
	return n
}

func (e *environment) flag(name string) bool {
	value := e.get(name)
	if value == "" {
		return false
	}
	on, err := strconv.ParseBool(value)
	if err != nil {
		e.wrong(name, value, "true or false")
	}
	return on
}
