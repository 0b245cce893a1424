package reach_test

import (
	"encoding/json"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"dualtrack.internal/platform/change/reach"
)

// FuzzCompare compares any two lists of objects: nothing panics, and what is the same
// opens and closes nothing.
func FuzzCompare(f *testing.F) {
	f.Add([]byte(`[{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d","namespace":"a"},"spec":{"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"ports":[{"containerPort":1}]}]}}}}]`),
		[]byte(`[{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"name":"p","namespace":"a"},"spec":{"podSelector":{},"ingress":[{"from":[{"ipBlock":{"cidr":"10.0.0.0/8","except":["10.1.0.0/16"]}}],"ports":[{"port":1,"endPort":2}]}]}}]`))
	f.Add([]byte(`[{"apiVersion":"v1","kind":"Pod","metadata":{"name":"d","namespace":"a","labels":{"a":"b"}},"spec":{"containers":[{"ports":[{"name":"http","containerPort":80}]}]}},{"apiVersion":"v1","kind":"Pod","metadata":{"name":"e","namespace":"b"},"spec":{"containers":[{}]}},{"apiVersion":"cilium.io/v2","kind":"CiliumNetworkPolicy","metadata":{"name":"p","namespace":"a"},"spec":{"endpointSelector":{"matchExpressions":[{"key":"k8s:a","operator":"In","values":["b"]}]},"ingress":[{"fromEndpoints":[{"matchLabels":{"io.kubernetes.pod.namespace":"b"}}],"toPorts":[{"ports":[{"port":"http","protocol":"ANY"}],"rules":{"http":[{"path":"/"}]}}]}],"egressDeny":[{"toCIDRSet":[{"cidr":"10.0.0.0/8","except":["10.1.0.0/16"]}]}]}}]`),
		[]byte(`[{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"cilium-config"},"data":{"enable-policy":"always"}},{"apiVersion":"cilium.io/v2","kind":"CiliumClusterwideNetworkPolicy","metadata":{"name":"p"},"specs":[{"endpointSelector":{},"egress":[{"toEntities":["cluster"]},{"toFQDNs":[{"matchName":"a"}]},{"toRequires":[{}],"icmps":[{}]}]},{"nodeSelector":{}}]}]`))
	f.Fuzz(func(t *testing.T, one, other []byte) {
		before, after := loose(one), loose(other)
		for _, p := range reach.Compare(reach.Read(before), reach.Read(append(after, before...))) {
			if p.From == "" || p.To == "" || p.Port == "" {
				t.Errorf("%+v says too little", p)
			}
		}
		if got := reach.Compare(reach.Read(before), reach.Read(before)); len(got) > 0 {
			t.Errorf("nothing differs, and it says %+v", got)
		}
		for _, u := range reach.Unknowns(reach.Read(before), reach.Read(append(after, before...))) {
			if u.Why == "" || u.Object.Kind == "" {
				t.Errorf("%+v says too little", u)
			}
		}
		if got := reach.Unknowns(reach.Read(before), reach.Read(before)); len(got) > 0 {
			t.Errorf("nothing differs, and it says %+v", got)
		}
	})
}

// loose reads a list of any objects.
func loose(data []byte) []*unstructured.Unstructured {
	var list []map[string]any
	if json.Unmarshal(data, &list) != nil {
		return nil
	}
	var out []*unstructured.Unstructured
	for _, o := range list {
		out = append(out, &unstructured.Unstructured{Object: o})
	}
	return out
}
