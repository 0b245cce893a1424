package change

import (
	"regexp"
	"strings"

	"dualtrack.internal/platform/change/inside"
	"dualtrack.internal/platform/render"
)

var inBrackets = regexp.MustCompile(`\[[^\]]*\]`)

// podDefaults are what the API server writes into a pod template where a manifest
// says nothing, each held against a real server in tests/changes. The key is the
// end of the path, without what names a list's items.
func podDefaults() map[string]any {
	return map[string]any{
		"template.spec.restartPolicy":                 "Always",
		"template.spec.terminationGracePeriodSeconds": 30,
		"template.spec.dnsPolicy":                     "ClusterFirst",
		"template.spec.schedulerName":                 "default-scheduler",
		"template.spec.hostNetwork":                   false,
		"template.spec.hostPID":                       false,
		"template.spec.hostIPC":                       false,
		"ontainers.terminationMessagePath":            "/dev/termination-log",
		"ontainers.terminationMessagePolicy":          "File",
		"ontainers.stdin":                             false,
		"ontainers.tty":                               false,
		"ports.protocol":                              "TCP",
		"Probe.timeoutSeconds":                        1,
		"Probe.periodSeconds":                         10,
		"Probe.successThreshold":                      1,
		"Probe.failureThreshold":                      3,
		"httpGet.scheme":                              "HTTP",
		"httpGet.path":                                "/",
		"configMap.defaultMode":                       420,
		"secret.defaultMode":                          420,
		"projected.defaultMode":                       420,
		"downwardAPI.defaultMode":                     420,
		"fieldRef.apiVersion":                         "v1",
		"volumeMounts.readOnly":                       false,
	}
}

// emptied are the places where nothing and an empty mapping or list mean the same.
func emptied(path string) bool {
	for _, end := range []string{"ontainers.resources", "template.spec.securityContext", "ontainers.env", "ontainers.args", "ontainers.command",
		"template.spec.nodeSelector", "template.spec.tolerations", "template.metadata.annotations", "template.spec.volumes", "ontainers.volumeMounts", "ontainers.ports"} {
		if strings.HasSuffix(path, end) {
			return true
		}
	}
	return false
}

// defaulted says that a field of a pod template says now what went without saying,
// or no longer says it: the pods stay as they are.
func defaulted(o render.Object, f Field) bool {
	path := inBrackets.ReplaceAllString(f.Path, "")
	if strings.HasSuffix(path, "template.spec.serviceAccountName") && f.After == nil {
		return true // the API server has written it to serviceAccount too, which keeps it
	}
	if emptied(path) && empty(f.Before) && empty(f.After) {
		return true
	}
	if strings.HasSuffix(path, "ontainers.imagePullPolicy") {
		was := pullPolicy(o, f)
		return same(or(f.Before, was), or(f.After, was))
	}
	for end, was := range podDefaults() {
		if strings.HasSuffix(path, end) {
			return same(or(f.Before, was), or(f.After, was))
		}
	}
	return false
}

func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case map[string]any:
		return len(v) == 0
	case []any:
		return len(v) == 0
	}
	return false
}

// pullPolicy is what the API server writes for a container by its image's tag.
func pullPolicy(o render.Object, f Field) string {
	tokens := strings.Split(strings.TrimPrefix(f.Pointer, "/"), "/")
	var v any = o.Object
	for _, t := range tokens[:len(tokens)-1] {
		v = child(v, t)
	}
	image := parseImage(inside.Text(v, "image"))
	if image.digest == "" && (image.tag == "" || image.tag == "latest") {
		return "Always"
	}
	return "IfNotPresent"
}

// child is a value's member by a pointer's token.
func child(v any, token string) any {
	switch v := v.(type) {
	case map[string]any:
		return v[strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")]
	case []any:
		for i := range v {
			if pointer(i) == "/"+token {
				return v[i]
			}
		}
	}
	return nil
}
