package programs

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	// crowdSize is more than the seats of the crowd's level: a few of hundreds.
	crowdSize = 12
	// holds is how long one of the crowd holds its seat.
	holds = 500 * time.Millisecond
)

// The crowd's level has the least share of the seats, and room for one that waits.
const (
	crowdLevel = `{"apiVersion":"flowcontrol.apiserver.k8s.io/v1beta3","kind":"PriorityLevelConfiguration","metadata":{"name":"crowd"},` +
		`"spec":{"type":"Limited","limited":{"nominalConcurrencyShares":1,"borrowingLimitPercent":0,"limitResponse":{"type":"Queue","queuing":{"queues":1,"handSize":1,"queueLengthLimit":1}}}}}`
	crowdSchema = `{"apiVersion":"flowcontrol.apiserver.k8s.io/v1beta3","kind":"FlowSchema","metadata":{"name":"crowd"},` +
		`"spec":{"matchingPrecedence":500,"priorityLevelConfiguration":{"name":"crowd"},"rules":[{"subjects":[{"kind":"User","user":{"name":"crowd"}}],` +
		`"resourceRules":[{"verbs":["*"],"apiGroups":["*"],"resources":["*"],"namespaces":["*"],"clusterScope":true}]}]}}`
	crowdRights = `{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRoleBinding","metadata":{"name":"crowd"},` +
		`"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"cluster-admin"},"subjects":[{"apiGroup":"rbac.authorization.k8s.io","kind":"User","name":"crowd"}]}`
)

// crowdAPI has more requests at once than their level has seats, so that one waits
// and some are turned away.
func crowdAPI(ctx context.Context, master, crowd target, base string) error {
	const level = "/apis/flowcontrol.apiserver.k8s.io/v1beta3/"
	for path, body := range map[string]string{
		level + "prioritylevelconfigurations": crowdLevel, level + "flowschemas": crowdSchema,
		"/apis/rbac.authorization.k8s.io/v1/clusterrolebindings": crowdRights,
	} {
		out, err := ask(ctx, master.client, http.MethodPost, base+path, master.token, body)
		if err != nil && !strings.Contains(string(out), "AlreadyExists") {
			return fmt.Errorf("%w: %s", err, master.process.words())
		}
	}
	var all sync.WaitGroup
	for range crowdSize {
		all.Go(func() { crowd.hold(ctx, base+"/api/v1/namespaces/default/configmaps") })
	}
	all.Wait()
	return nil
}

// hold keeps a seat for a while: its body comes late. How it ends is the server's
// affair.
func (t target) hold(ctx context.Context, url string) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, &late{ctx: ctx, rest: strings.NewReader("{}")})
	if err != nil {
		return
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+t.token)
	answer, err := t.client.Do(req)
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 1<<20)) // so that the connection can be used again
	answer.Body.Close()
}

// late is a body that comes after a while.
type late struct {
	ctx  context.Context //nolint:containedctx // a Read has none
	rest io.Reader
	came bool
}

// Read implements io.Reader.
func (l *late) Read(p []byte) (int, error) {
	if !l.came {
		select {
		case <-l.ctx.Done():
			return 0, l.ctx.Err()
		case <-time.After(holds):
		}
		l.came = true
	}
	return l.rest.Read(p) //nolint:wrapcheck // io.EOF must stay what it is
}
