package programs

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"dualtrack.internal/tools/dashboards/catalogue"
)

// telemetry runs the way of a trace: the order service, the node's agent, a
// site's gateway, the hub's and Jaeger; beside it an agent and a site's gateway
// whose hub cannot be reached, and an agent of the hub, whose traces a sampler
// judges. Their configurations are the components' own, with addresses and folders
// of this machine.
func (r *runner) telemetry(ctx context.Context, paths map[string]string) ([]catalogue.List, error) {
	defer r.stop()
	jaeger, err := r.configured(ctx, "jaeger", paths["jaeger"], "jaeger/base/config.yaml", nil)
	if err != nil {
		return nil, err
	}
	hub, tiers, err := r.hub(ctx, paths["otelcol"], jaeger.at("4317"))
	if err != nil {
		return nil, err
	}
	var agents []*configured
	targets := tiers
	var shops []target
	for _, s := range []struct {
		name, hub string
		small     []string // what shows soon that a memory or a queue is full
	}{
		{"site", "http://" + hub.at("4319"), nil},
		{"offline", "http://127.0.0.1:1", []string{"num_traces: 100000", "num_traces: 15", "queue_size: 1000000", "queue_size: 10",
			"min_size: 8192", "min_size: 5", "max_size: 8192", "max_size: 10"}},
	} {
		agent, chain, shop, err := r.site(ctx, paths, s.name, s.hub, s.small)
		if err != nil {
			return nil, err
		}
		agents, shops = append(agents, agent), append(shops, shop)
		targets = append(targets, chain...)
	}
	inside, err := r.agent(ctx, "hub", paths["otelcol"], hub)
	if err != nil {
		return nil, err
	}
	agents, targets = append(agents, inside), append(targets, inside.target())
	work := func(ctx context.Context) error { return sendAll(ctx, agents, shops) }
	fromCollectors, err := observe(ctx, work, targets...)
	if err != nil {
		return nil, err
	}
	fromJaeger, err := observe(ctx, func(ctx context.Context) error {
		_, err := ask(ctx, http.DefaultClient, http.MethodGet, "http://"+jaeger.at("16686")+"/api/services", "", "")
		return err
	}, jaeger.target())
	if err != nil {
		return nil, err
	}
	fromShops, err := observe(ctx, work, shops...)
	if err != nil {
		return nil, err
	}
	return []catalogue.List{
		list("otelcol", "otel-agent otel-gateway otel-sampler", "port 8888 of an agent and a gateway of a site, one with a hub and one without, and of the hub's agent, gateway and sampler, which carry traces and logs", fromCollectors),
		list("jaeger", "jaeger", "port 8888 of the hub's Jaeger, which took traces and answered a query", fromJaeger),
		list("order-service", "order-service", "port 9464 of two, which took orders, refused some and sent spans", fromShops),
	}, nil
}

// hub runs the two tiers of the hub: the gateway, and one sampler in the place of
// two. What they hold back for a batch they send soon, so that Jaeger has had it.
func (r *runner) hub(ctx context.Context, path, jaeger string) (gateway *configured, tiers []target, err error) {
	sampler, err := r.configured(ctx, "sampler", path, "otel/hub/sampler-config.yaml",
		[]string{"jaeger.observability.svc.cluster.local:4317", jaeger, "decision_wait: 10s", "decision_wait: 1s", "flush_timeout: 10s", "flush_timeout: 1s"})
	if err != nil {
		return nil, nil, err
	}
	gateway, err = r.configured(ctx, "hub", path, "otel/hub/gateway-config.yaml", []string{
		"jaeger.observability.svc.cluster.local:4317", jaeger,
		"https://otel-sampler-0.otel-sampler.observability.svc.cluster.local:4318", "http://" + sampler.at("4318"),
		"https://otel-sampler-1.otel-sampler.observability.svc.cluster.local:4318", "http://" + sampler.at("4318"), "flush_timeout: 10s", "flush_timeout: 1s",
	})
	if err != nil {
		return nil, nil, err
	}
	return gateway, []target{gateway.target(), sampler.target()}, nil
}

// agent runs an agent that sends to a gateway.
func (r *runner) agent(ctx context.Context, name, path string, gateway *configured) (*configured, error) {
	return r.configured(ctx, name+"-agent", path, "otel/base/agent-config.yaml",
		[]string{"otel-gateway.observability.svc.cluster.local:4317", gateway.at("4317")})
}

// site runs a site's gateway, agent and order service.
func (r *runner) site(ctx context.Context, paths map[string]string, name, hub string, small []string) (agent *configured, chain []target, shop target, err error) {
	gateway, err := r.configured(ctx, name+"-gateway", paths["otelcol"], "otel/edge/gateway-config.yaml",
		append([]string{"decision_wait: 10s", "decision_wait: 1s"}, small...), "HUB_OTLP_ENDPOINT="+hub)
	if err != nil {
		return nil, nil, target{}, err
	}
	if agent, err = r.agent(ctx, name, paths["otelcol"], gateway); err != nil {
		return nil, nil, target{}, err
	}
	ports := [2]string{}
	for i := range ports {
		if ports[i], err = freePort(ctx); err != nil {
			return nil, nil, target{}, err
		}
	}
	p, err := r.start(ctx, name+"-orders", paths["orderservice"], nil, []string{
		"SITE=" + name, "OTEL_EXPORTER_OTLP_ENDPOINT=http://" + agent.at("4317"), "INFERENCE_URL=http://127.0.0.1:1", "FAULTS_ENABLED=true",
		"FAULT_ERROR_SHARE=0.5", "LISTEN_ADDRESS=127.0.0.1:" + ports[0], "METRICS_ADDRESS=127.0.0.1:" + ports[1],
	})
	if err != nil {
		return nil, nil, target{}, err
	}
	shop = target{process: p, client: http.DefaultClient, url: "http://127.0.0.1:" + ports[1] + "/metrics"}
	p.serves = "http://127.0.0.1:" + ports[0]
	return agent, []target{gateway.target(), agent.target()}, shop, p.ready(ctx, http.DefaultClient, p.serves+"/healthz", "")
}

// sendAll sends to every agent and every shop.
func sendAll(ctx context.Context, agents []*configured, shops []target) error {
	for i, agent := range agents {
		if err := send(ctx, agent, shops[i%len(shops)].process.serves); err != nil {
			return err
		}
	}
	return nil
}

// send orders something, and gives the agent a span and a line of a log.
func send(ctx context.Context, agent *configured, shop string) error {
	const order = `{"customer":"c","items":[{"sku":"s","quantity":1,"priceMinor":100}]}`
	for range 10 {
		// Half of them are refused, by a fault.
		_, _ = ask(ctx, http.DefaultClient, http.MethodPost, shop+"/order/submit", "", order)
	}
	const span = `{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331","name":"n","kind":2,` +
		`"startTimeUnixNano":"1","endTimeUnixNano":"2","attributes":[{"key":"http.route","value":{"stringValue":"/order/submit"}}]}]}]}]}`
	if _, err := ask(ctx, http.DefaultClient, http.MethodPost, "http://"+agent.at("4318")+"/v1/traces", "", span); err != nil {
		return fmt.Errorf("%w: %s", err, agent.process.words())
	}
	log, err := os.OpenFile(filepath.Join(agent.pods, "0.log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("writing a pod's log: %w", err)
	}
	defer log.Close()
	if _, err := log.WriteString("2030-01-01T00:00:00.000000000Z stdout F a line\n"); err != nil {
		return fmt.Errorf("writing a pod's log: %w", err)
	}
	return nil
}

// configured is a program that runs with a component's configuration.
type configured struct {
	process *process
	ports   map[string]string // in the configuration → on this machine
	pods    string            // the folder of a pod's logs
}

func (c *configured) at(port string) string { return "127.0.0.1:" + c.ports[port] }

func (c *configured) target() target {
	return target{process: c.process, client: http.DefaultClient, url: "http://" + c.at("8888") + "/metrics"}
}

var (
	ownPort     = regexp.MustCompile(`(\$\{env:POD_IP\}:|port: )(\d+)`)
	certificate = regexp.MustCompile(`(?m)^ +tls:\n +\w+_file: .*\n(?: +(?:\w+_file: |server_name_override: |# ).*\n)*`)
)

// plainly is what stands for certificates: an exporter has to be told that there
// are none.
func plainly(found string) string {
	if strings.HasPrefix(found, "    tls:") {
		return "    tls: {insecure: true}\n"
	}
	return ""
}

// here is a configuration with ports and folders of this machine, and without the
// certificates of a site. replace are pairs of texts.
func here(text string, ports map[string]string, dir string, replace []string) (string, error) {
	for i := 0; i < len(replace); i += 2 {
		if !strings.Contains(text, replace[i]) {
			return "", fmt.Errorf("it does not contain %q any more", replace[i])
		}
		text = strings.ReplaceAll(text, replace[i], replace[i+1])
	}
	text = ownPort.ReplaceAllStringFunc(text, func(found string) string {
		at := strings.LastIndexAny(found, ": ") + 1
		return found[:at] + ports[found[at:]]
	})
	text = certificate.ReplaceAllStringFunc(text, plainly)
	for _, place := range []string{"/var/lib/otel", "/var/lib/jaeger", "/var/log"} {
		text = strings.ReplaceAll(text, place, dir)
	}
	return text, nil
}

// configured starts a collector or Jaeger with a component's file. replace are
// pairs of texts; each first one must be in the file.
func (r *runner) configured(ctx context.Context, name, path, file string, replace []string, env ...string) (*configured, error) {
	data, err := os.ReadFile(filepath.Join(r.cfg.Components, filepath.FromSlash(file)))
	if err != nil {
		return nil, fmt.Errorf("reading a configuration: %w", err)
	}
	dir, err := r.dir(name)
	if err != nil {
		return nil, err
	}
	c := &configured{ports: map[string]string{}}
	if c.pods, err = r.dir(name, "pods", "ns_pod_uid", "container"); err != nil {
		return nil, err
	}
	for _, found := range ownPort.FindAllStringSubmatch(string(data), -1) {
		if c.ports[found[2]] != "" {
			continue
		}
		if c.ports[found[2]], err = freePort(ctx); err != nil {
			return nil, err
		}
	}
	text, err := here(string(data), c.ports, dir, replace)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	config := filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return nil, fmt.Errorf("writing a configuration: %w", err)
	}
	env = append(env, "POD_IP=127.0.0.1", "SITE="+name, "NODE_NAME=node", "OTEL_TRACES_SAMPLER=always_off")
	if c.process, err = r.start(ctx, name, path, []string{"--config=" + config}, env); err != nil {
		return nil, err
	}
	return c, c.process.ready(ctx, http.DefaultClient, "http://"+c.at("8888")+"/metrics", "")
}
