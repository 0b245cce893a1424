package finding_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dualtrack.internal/platform/finding"
)

func TestSecretive(t *testing.T) {
	t.Parallel()
	for _, name := range strings.Fields("password DB_PASSWORD dbPassword db-password DB_PASSWORD_1 PGPASSWD passphrase TOKEN apiToken ID_TOKEN tokens client_secret " +
		"clientSecret AWS_SECRET_ACCESS_KEY apiKey API_KEY api-keys private_key privateKey credentials Authorization --auth-token MYSQL_PWD DSN password.txt licenseKey HTTPToken") {
		if !finding.Secretive(name) {
			t.Errorf("%s may be shown", name)
		}
	}
	for _, name := range append(strings.Fields("name value secretName secretKeyRef tokenFile TOKEN_PATH tokenExpirationSeconds key keys image authorization-mode "+
		"service-account-key-file passwordFile imagePullSecretName monkey compass bypass tokenizer max_tokens tokens_per_second secretRef passwordSecretRef "+
		"authenticationTokenWebhookCacheTtl access AWS_ACCESS_KEY_ID primaryKey"), "") {
		if finding.Secretive(name) {
			t.Errorf("%s is hidden", name)
		}
	}
}

func TestClean(t *testing.T) {
	t.Parallel()
	cases := []struct{ text, want string }{
		{"", ""},
		{"the value of \"db-password\" stands in clear", "the value of \"db-password\" stands in clear"},
		{"postgres://user:hunter2@db:5432/x and https://token@host", "postgres://(secret)@db:5432/x and https://(secret)@host"},
		{"mail a@b.invalid, https://host/@x", "mail a@b.invalid, https://host/@x"},
		{"--db-password=hunter2 --v=2", "--db-password=(secret) --v=2"},
		{`{"password": "hunter \"2\"", "user": "x"}`, `{"password": (secret), "user": "x"}`},
		{"password: hunter2\nuser: x", "password: (secret)\nuser: x"},
		{"token = 'a b'", "token = (secret)"},
		{"Authorization: Bearer abcdefghijkl", "Authorization: (secret) (secret)"},
		{"curl -H bearer abcdefghijkl", "curl -H bearer (secret)"},
		{"-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----\nx", "(secret)\nx"},
		{"automountServiceAccountToken: false", "automountServiceAccountToken: false"},
		{"spec.volumes[0].secret: unknown field", "spec.volumes[0].secret: unknown field"},
		{"password: my long phrase, with $igns\n- token: (x y\nexport API_KEY=$ecret,a;b\n\"pwd\": \"x\"\nuser: me", "password: (secret)\n- token: (secret)\nexport API_KEY=(secret)\n\"pwd\": (secret)\nuser: me"},
		{"password=a,b;c x", "password=(secret) x"},
		{"refused: token=$ecret", "refused: token=(secret)"},
		{"password: ${DB_PASSWORD}", "password: ${DB_PASSWORD}"},
		{"image: registry/x:1@sha256:abc", "image: registry/x:1@sha256:abc"},
	}
	for _, c := range cases {
		got := finding.Clean(c.text)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", c.text, diff)
		}
		if again := finding.Clean(got); again != got && !strings.Contains(c.text, "Bearer") {
			t.Errorf("%q twice: %q", got, again)
		}
	}
}

func TestHide(t *testing.T) {
	t.Parallel()
	var object any
	err := json.Unmarshal([]byte(`{"spec": {"containers": [{"name": "c", "env": [{"name": "DB_PASSWORD", "value": "hunter2"}, {"name": "URL", "value": "http://u:hunter2@h"}],
		"args": ["--token", "hunter2", "--verbose"]}], "password": 7, "tokens": ["hunter2"], "secret": {"secretName": "shown", "optional": true}, "open": {"token": false, "key": "shown"}}}`), &object)
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(finding.Hide("", object))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"spec":{"containers":[{"args":["--token","(secret)","--verbose"],"env":[{"name":"DB_PASSWORD","value":"(secret)"},{"name":"URL","value":"http://(secret)@h"}],` +
		`"name":"c"}],"open":{"key":"shown","token":false},"password":"(secret)","secret":{"optional":true,"secretName":"shown"},"tokens":["(secret)"]}}`
	if diff := cmp.Diff(want, string(data)); diff != "" {
		t.Errorf("hidden (-want +got):\n%s", diff)
	}
	for pointer, want := range map[string]any{
		"/spec/containers/0/env/0/value": finding.Hidden, "/spec/containers/0/env/0/name": "hunter2", "/spec/containers/0/args/1": finding.Hidden,
		"/spec/containers/0/args/2": "hunter2", "/spec/tokens/0": finding.Hidden, "/spec/nowhere/9/x": "hunter2", "/spec/nowhere/password": finding.Hidden, "": "hunter2",
	} {
		if got := finding.HideAt(object, pointer, "hunter2"); got != want {
			t.Errorf("%s: %v, want %v", pointer, got, want)
		}
	}
}

// TestMergeHides: no finding carries a secret on, and a patch that holds one is left out.
func TestMergeHides(t *testing.T) {
	t.Parallel()
	got := finding.Merge([]finding.Finding{{Message: "password: hunter2", Mend: "write http://u:hunter2@h", Patch: json.RawMessage(`[{"op":"add","path":"/x","value":{"token":"hunter2"}}]`)},
		{Message: "x", Patch: json.RawMessage(`[{"op":"remove","path":"/x"}]`)}})
	if text, err := json.Marshal(got); err != nil || strings.Contains(string(text), "hunter2") || got[1].Patch == nil {
		t.Errorf("%s, %v", text, err)
	}
}
