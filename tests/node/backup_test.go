//go:build node

package node

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

const (
	backups   = "etcd-backup"
	hubNode   = "dualtrack-nodetest-hub-control-plane"
	snapshots = "/var/lib/etcd-snapshots" // on that node
)

// backedUp gives the hub what the component asks its owner for, a client's
// certificate and a volume, and starts the jobs by hand: a snapshot of the cluster's
// own etcd, a restore of it, and a look at the members.
func backedUp(t *testing.T, f *fleet) {
	began := time.Now()
	client := f.client(t, "hub")
	pki := owned(t, client)
	var taken struct {
		File     string
		Revision int64
		Keys     int
	}
	f.job(t, client, "snapshot")(&taken)
	// The file ends with the sum of what stands before it; the node's tools say so too.
	sums := strings.Fields(output(t, "docker", "exec", hubNode, "bash", "-c",
		`head -c -32 "$1" | sha256sum | cut -d' ' -f1; tail -c 32 "$1" | od -An -v -tx1 | tr -d ' \n'`, "sums", snapshots+"/"+taken.File))
	if len(sums) != 2 || sums[0] != sums[1] || taken.Keys < 100 {
		t.Errorf("snapshot %+v has the sums %v", taken, sums)
	}
	var restored struct {
		File                           string
		Revision, Keys                 int64
		Hash                           uint32
		RestoreSeconds, ServingSeconds float64
	}
	var looked struct {
		Members []struct {
			Endpoint, Skipped string
			Leader            bool
		}
	}
	drill, defrag := f.job(t, client, "drill"), f.job(t, client, "defrag")
	drill(&restored)
	// A snapshot by the clock may be newer.
	if restored.File < taken.File || restored.Revision < taken.Revision || restored.Keys < 100 {
		t.Errorf("restored %+v of %+v", restored, taken)
	}
	if live := pki.hash(t, restored.Revision); live != restored.Hash {
		t.Errorf("at revision %d etcd's keys have the hash %d, the restored ones %d", restored.Revision, live, restored.Hash)
	}
	defrag(&looked)
	if len(looked.Members) != 1 || !looked.Members[0].Leader || looked.Members[0].Endpoint != pki.url || looked.Members[0].Skipped == "" {
		t.Errorf("the defragmentation saw %+v, want the small member %s left alone", looked, pki.url)
	}
	fmt.Fprintf(os.Stderr, "snapshot of the hub's etcd at revision %d, %d keys restored in %.2f s and served after %.2f s; with three jobs' pods %.1f s\n",
		restored.Revision, restored.Keys, restored.RestoreSeconds, restored.ServingSeconds, time.Since(began).Seconds())
}

// authority is what the member of the hub is asked with, and where.
type authority struct {
	url           string
	ca, cert, key []byte
}

// owned makes what the repository does not hold.
func owned(t *testing.T, client *kubernetes.Clientset) authority {
	t.Helper()
	node, err := client.CoreV1().Nodes().Get(t.Context(), hubNode, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var a authority
	for _, address := range node.Status.Addresses {
		if address.Type == corev1.NodeInternalIP && strings.Contains(address.Address, ".") {
			a.url = "https://" + address.Address + ":2379"
		}
	}
	file := func(name string) []byte {
		return []byte(output(t, "docker", "exec", hubNode, "cat", "/etc/kubernetes/pki/etcd/"+name))
	}
	a.ca, a.cert, a.key = file("ca.crt"), file("healthcheck-client.crt"), file("healthcheck-client.key")
	_, err = client.CoreV1().Secrets(backups).Create(t.Context(), &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "etcd-client"},
		Data:       map[string][]byte{"ca.crt": a.ca, "tls.crt": a.cert, "tls.key": a.key},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	output(t, "docker", "exec", hubNode, "mkdir", "-p", snapshots)
	_, err = client.CoreV1().PersistentVolumes().Create(t.Context(), &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: "etcd-snapshots"},
		Spec: corev1.PersistentVolumeSpec{
			Capacity:         corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("2Gi")},
			AccessModes:      []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			StorageClassName: "standard", PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimRetain,
			PersistentVolumeSource: corev1.PersistentVolumeSource{Local: &corev1.LocalVolumeSource{Path: snapshots}},
			NodeAffinity: &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
				MatchExpressions: []corev1.NodeSelectorRequirement{{Key: corev1.LabelHostname, Operator: corev1.NodeSelectorOpIn, Values: []string{hubNode}}},
			}}}},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// job starts a CronJob's job by hand; the answer waits for its end and reads what it
// printed.
func (f *fleet) job(t *testing.T, client *kubernetes.Clientset, name string) func(into any) {
	t.Helper()
	f.run(t, "kubectl", "hub", "--", "-n", backups, "create", "job", "--from=cronjob/"+name, name+"-by-hand").want(t, 0)
	return func(into any) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
		defer cancel()
		eventually(ctx, t, name+" has ended", func() error {
			job, err := client.BatchV1().Jobs(backups).Get(ctx, name+"-by-hand", metav1.GetOptions{})
			if err != nil {
				return err
			}
			for _, c := range job.Status.Conditions {
				if (c.Type == batchv1.JobComplete || c.Type == batchv1.JobFailed) && c.Status == corev1.ConditionTrue {
					return nil
				}
			}
			return fmt.Errorf("%s: %+v", name, job.Status)
		})
		text := lastWords(ctx, t, client, name)
		if err := json.Unmarshal(text, into); err != nil {
			t.Fatalf("%s: %v in %s", name, err, text)
		}
	}
}

// lastWords is what the newest pod of a job printed.
func lastWords(ctx context.Context, t *testing.T, client *kubernetes.Clientset, name string) []byte {
	t.Helper()
	pods, err := client.CoreV1().Pods(backups).List(ctx, metav1.ListOptions{LabelSelector: batchv1.JobNameLabel + "=" + name + "-by-hand"})
	if err != nil || len(pods.Items) == 0 {
		t.Fatalf("%s: %v and no pod", name, err)
	}
	last := pods.Items[len(pods.Items)-1]
	text, err := client.CoreV1().Pods(backups).GetLogs(last.Name, &corev1.PodLogOptions{}).DoRaw(ctx)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return text
}

// hash asks the member for the hash of its keys at a revision, by its JSON gateway:
// not by the library that the drill uses.
func (a authority) hash(t *testing.T, revision int64) uint32 {
	t.Helper()
	pair, err := tls.X509KeyPair(a.cert, a.key)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(a.ca)
	transport := &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots, Certificates: []tls.Certificate{pair}}}
	defer transport.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	ask, err := http.NewRequestWithContext(ctx, http.MethodPost, a.url+"/v3/maintenance/hashkv",
		bytes.NewReader(fmt.Appendf(nil, `{"revision": %d}`, revision)))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := (&http.Client{Transport: transport}).Do(ask)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }() // it was read
	var said struct{ Hash uint32 }
	text, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err == nil {
		err = json.Unmarshal(text, &said)
	}
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("hash at revision %d: %s: %v in %s", revision, answer.Status, err, text)
	}
	return said.Hash
}
