package policy

import (
	"testing"

	"sigs.k8s.io/yaml"
)

// FuzzJudge judges whatever YAML makes an object of: no input may end a run.
func FuzzJudge(f *testing.F) {
	for _, seed := range []string{
		deployment, namespace, denyAll, twoPrivileged,
		"apiVersion: 5\nkind: [a]\nmetadata: x\nspec: {template: {spec: [1]}}\n",
		"apiVersion: v1\nkind: List\nitems: [{kind: List, items: [null, {}]}]\n",
		"apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {namespace: shop}\nspec: {minAvailable: -5%, selector: {matchExpressions: [{key: 1, operator: In, values: 5}]}}\n",
		"apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nspec: {scaleTargetRef: 5, metrics: [{type: Resource, resource: {name: [], target: {type: Utilization}}}]}\n",
		"apiVersion: v1\nkind: Pod\nspec: {containers: [{command: [kube-apiserver, 1, --a, --b=, --], image: '@:/'}], volumes: {a: b}}\n",
		"apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\naggregationRule: {clusterRoleSelectors: 1}\nrules: {verbs: 1}\n",
		"apiVersion: v1\nkind: Secret\ndata: [a]\nstringData: {a: {b: c}}\n",
		"apiVersion: cilium.io/v2\nkind: CiliumClusterwideNetworkPolicy\nspecs: [1, {endpointSelector: 5, ingress: {}}]\n",
		"apiVersion: v1\nkind: ConfigMap\ndata: {a: 'apiVersion: kubeadm.k8s.io/v1\n\nkind: ClusterConfiguration\n\napiServer: 5'}\n",
		"apiVersion: v1\nkind: LimitRange\nmetadata: {namespace: shop}\nspec: {limits: 5}\n",
	} {
		f.Add([]byte(seed))
	}
	e := compiled(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		var object map[string]any
		if len(text) > 1<<14 || yaml.Unmarshal(text, &object) != nil || object == nil {
			return
		}
		in := testInput(t, string(text))
		in.Cluster.Spec.Kubernetes.ExtraArgs.APIServer = map[string]string{"authorization-mode": string(text)}
		r, err := e.Judge(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range r.Findings {
			if found.Rule == "policy" && found.Class == "" {
				t.Fatalf("a rule failed: %s", found.Message)
			}
			if found.Message == "" || found.Severity == "" || found.Mend == "" {
				t.Fatalf("half a finding: %+v", found)
			}
		}
	})
}
