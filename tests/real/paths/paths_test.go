//go:build real

package paths_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"dualtrack.internal/platform/change/reach"
	"dualtrack.internal/platform/tool"
)

// scenes is how many clusters are compared; each has more than a hundred questions.
const scenes = 600

// reply is the program's word on a scene.
type reply struct {
	Name     string
	Outcomes []struct{ Ingress, Egress string }
	Refused  string
}

// TestAgainstCilium generates policies of all three kinds and asks two judges of every
// path between pods, nodes and addresses: what a change that brings these policies is
// said to close, and the entries of the policy maps that Cilium's code computes from
// them. What Cilium refuses is to be said as refused.
func TestAgainstCilium(t *testing.T) {
	t.Parallel()
	const seed = 1
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 0))}
	var list []scene
	for n := range scenes {
		list = append(list, g.scene(n))
	}
	replies := ask(t, list)
	counts := map[string]int{}
	for i, s := range list {
		base, head := s.world(t, false), s.world(t, true)
		var refused []string
		for _, u := range reach.Unknowns(base, head) {
			if strings.Contains(u.Why, "Cilium refuses it") {
				refused = append(refused, u.Why)
			}
		}
		if (replies[i].Refused != "") != (len(refused) > 0) {
			t.Errorf("%s: Cilium: %q, here: %q\n%s", s.Name, replies[i].Refused, refused, s.policies())
		}
		if replies[i].Refused != "" {
			counts["scenes refused"]++
			continue
		}
		said := reach.Compare(base, head)
		for j, q := range s.Questions {
			theirs := sum(replies[i].Outcomes[j].Ingress, replies[i].Outcomes[j].Egress)
			ours := s.outcome(said, q)
			counts[theirs+" there, "+ours+" here"]++
			if q.From == "reserved:host" && theirs == "open" && ours == "limited" {
				continue // a pod's own node is let in as it is, which is not looked at that closely
			}
			if !agree(theirs, ours) {
				t.Errorf("%s, enforced %s: %+v is %s in Cilium %v, %s here\n%s", s.Name, s.Enforce, q, theirs, replies[i].Outcomes[j], ours, s.policies())
				break
			}
		}
	}
	t.Logf("%d scenes, seed %d: %v", scenes, seed, counts)
	for _, least := range []string{"open there, open here", "closed there, closed here", "proxy there, limited here", "authenticated there, limited here", "scenes refused"} {
		if counts[least] < 20 {
			t.Errorf("%s: %d times", least, counts[least])
		}
	}
}

// agree compares the words. A proxy may be passed freely, where another rule lets
// through what its rules do not.
func agree(theirs, ours string) bool {
	switch theirs {
	case "authenticated":
		return ours == "limited"
	case "proxy":
		return ours == "limited" || ours == "open"
	}
	return theirs == ours
}

// sum is what two directions leave.
func sum(ingress, egress string) string {
	for _, word := range []string{"closed", "authenticated", "proxy"} {
		if ingress == word || egress == word {
			return word
		}
	}
	return "open"
}

// ask has the program answer for all scenes.
func ask(t *testing.T, list []scene) []reply {
	t.Helper()
	store, err := tool.New(tool.Config{ToolsDir: "../../../tools", Named: tool.CheckPrograms()})
	if err != nil {
		t.Fatal(err)
	}
	programs, err := store.Ensure(t.Context(), []string{"cilium"}, tool.Events{})
	if err != nil {
		t.Fatal(err)
	}
	in, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	var out, words bytes.Buffer
	cmd := exec.CommandContext(t.Context(), programs["cilium"], "paths")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(in), &out, &words
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, words.String()[max(0, words.Len()-2000):])
	}
	var replies []reply
	for dec := json.NewDecoder(&out); dec.More(); {
		var r reply
		if err := dec.Decode(&r); err != nil {
			t.Fatal(err)
		}
		replies = append(replies, r)
	}
	if len(replies) != len(list) {
		t.Fatalf("%d replies to %d scenes", len(replies), len(list))
	}
	return replies
}

// world is a side: without policies every path is open.
func (s scene) world(t *testing.T, policies bool) *reach.World {
	t.Helper()
	var out []*unstructured.Unstructured
	for _, o := range s.Objects {
		if k := o["kind"]; policies || k == "Namespace" || k == "Pod" {
			out = append(out, &unstructured.Unstructured{Object: o})
		}
	}
	if policies {
		out = append(out, &unstructured.Unstructured{Object: object{"apiVersion": "v1", "kind": "ConfigMap",
			"metadata": object{"name": reach.Config, "namespace": "cilium"}, "data": object{"enable-policy": s.Enforce}}})
	}
	return reach.Read(out)
}

// outcome finds what was said of a question: of its port, else of all of its protocol,
// else of any.
func (s scene) outcome(said []reach.Path, q question) string {
	port, protocol := fmt.Sprintf("%s %d", q.Protocol, q.Port), fmt.Sprintf("any %s port", q.Protocol)
	words := map[string]string{}
	for _, p := range said {
		if p.From != s.called(q.From, p.From) || p.To != s.called(q.To, p.To) {
			continue
		}
		whole, but, _ := strings.Cut(p.Port, " but ")
		word := "closed"
		if p.Limit != "" {
			word = "limited"
		} else if p.Opened {
			word = "opened, which no path can be"
		}
		words[whole] = word
		for _, each := range strings.Split(but, " and ") {
			if _, told := words[each]; each != "" && !told {
				words[each] = "open"
			}
		}
	}
	return cmp.Or(words[port], words[protocol], words["any port"], "open")
}

// called is a peer's name in what is said: of an address that of the smallest range
// that policies name.
func (s scene) called(peer, said string) string {
	switch peer {
	case "reserved:world":
		return "anyone outside"
	case "reserved:host":
		return "the pod's own node"
	case "reserved:remote-node":
		return "other nodes"
	case "reserved:kube-apiserver":
		return "the API server"
	}
	address, err := netip.ParsePrefix(peer)
	if err != nil {
		return "Pod " + peer
	}
	best := netip.Prefix{}
	for _, text := range regexp.MustCompile(`[0-9.]+/[0-9]+`).FindAllString(s.policies(), -1) {
		if p := netip.MustParsePrefix(text); p.Bits() > 0 && p.Contains(address.Addr()) && p.Bits() > best.Bits() {
			best = p
		}
	}
	if !best.IsValid() {
		return "anyone outside"
	}
	if name := "addresses " + best.String(); said == name || strings.HasPrefix(said, name+" but ") {
		return said
	}
	return ""
}

// policies are those of a scene, for people.
func (s scene) policies() string {
	var out strings.Builder
	for _, o := range s.Objects {
		if strings.HasSuffix(o["kind"].(string), "NetworkPolicy") {
			text, _ := json.Marshal(o)
			out.Write(text)
			out.WriteByte('\n')
		}
	}
	return out.String()
}
