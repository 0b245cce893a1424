package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sort"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	apiserverapi "k8s.io/apiserver/pkg/apis/apiserver"
	apiserverapiv1 "k8s.io/apiserver/pkg/apis/apiserver/v1"
	auditapi "k8s.io/apiserver/pkg/apis/audit"
	auditvalidation "k8s.io/apiserver/pkg/apis/audit/validation"
	encryptionapi "k8s.io/apiserver/pkg/apis/config"
	encryptionapiv1 "k8s.io/apiserver/pkg/apis/config/v1"
	encryptionvalidation "k8s.io/apiserver/pkg/apis/config/validation"
	"k8s.io/apiserver/pkg/audit"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/component-base/version"
	kubeletapi "k8s.io/kubernetes/pkg/kubelet/apis/config"
	kubeletscheme "k8s.io/kubernetes/pkg/kubelet/apis/config/scheme"
	kubeletvalidation "k8s.io/kubernetes/pkg/kubelet/apis/config/validation"
	podsecurityload "k8s.io/pod-security-admission/admission/api/load"
	podsecurityvalidation "k8s.io/pod-security-admission/admission/api/validation"
)

// mostToJudge bounds what is read.
const mostToJudge = 32 << 20

// subject is one thing to judge: files, and for a kubelet's the machine in args.
type subject struct {
	Name  string            `json:"name"`
	Files map[string]string `json:"files"`
	Args  []string          `json:"args"`
}

// problem is one thing that is refused.
type problem struct {
	File    string `json:"file,omitempty"`
	Message string `json:"message"`
}

// answer is the word on one subject.
type answer struct {
	Name     string    `json:"name"`
	Accepted []string  `json:"accepted"`
	Problems []problem `json:"problems"`
}

// runJudge reads one JSON document with files of kubelets and API servers, and
// writes one that says what their own types and rules refuse. The programs would
// drop a field they do not know, and go on without it: here it is refused.
func runJudge() int {
	if err := judgeAll(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func judgeAll(in io.Reader, out io.Writer) error {
	text, err := io.ReadAll(io.LimitReader(in, mostToJudge+1))
	if err != nil {
		return fmt.Errorf("reading what to judge: %w", err)
	}
	if len(text) > mostToJudge {
		return fmt.Errorf("what to judge is longer than %d MiB", mostToJudge>>20)
	}
	var question struct {
		Subjects []subject `json:"subjects"`
	}
	if err := json.Unmarshal(text, &question); err != nil {
		return fmt.Errorf("what to judge is no JSON document of subjects: %w", err)
	}
	doc := struct {
		Version string   `json:"version"`
		Answers []answer `json:"answers"`
	}{Version: strings.TrimPrefix(version.Get().GitVersion, "v"), Answers: []answer{}}
	for _, s := range question.Subjects {
		doc.Answers = append(doc.Answers, judgeOne(s))
	}
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	return enc.Encode(doc)
}

// judgeOne judges every document that a kubelet or an API server reads. Others
// in the same file are kubeadm's.
func judgeOne(s subject) answer {
	a := answer{Name: s.Name, Accepted: []string{}, Problems: []problem{}}
	say := func(file string, err error) {
		a.Problems = append(a.Problems, problem{File: file, Message: err.Error()})
	}
	for _, file := range sortedNames(s.Files) {
		docs, err := documents(s.Files[file])
		if err != nil {
			say(file, err)
			continue
		}
		for _, doc := range docs {
			var meta runtime.TypeMeta
			if err := utilyaml.Unmarshal(doc, &meta); err != nil {
				say(file, err)
				continue
			}
			judge := judges()[meta.Kind]
			if judge == nil {
				continue
			}
			if accepted, err := judge(doc, s.Args); err != nil {
				say(file, err)
			} else {
				a.Accepted = append(a.Accepted, accepted)
			}
		}
	}
	if len(a.Accepted)+len(a.Problems) == 0 {
		a.Problems = append(a.Problems, problem{Message: "there is no document that a kubelet or an API server reads"})
	}
	return a
}

func sortedNames(files map[string]string) []string {
	var names []string
	for name := range files {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// judges are by the kind of a document.
func judges() map[string]func(doc []byte, args []string) (string, error) {
	return map[string]func([]byte, []string) (string, error){
		"KubeletConfiguration":    judgeKubelet,
		"AdmissionConfiguration":  judgeAdmission,
		"EncryptionConfiguration": judgeEncryption,
		"Policy":                  judgeAudit,
	}
}

func documents(text string) ([][]byte, error) {
	reader := utilyaml.NewYAMLReader(newBuffered(text))
	var docs [][]byte
	for {
		doc, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return docs, nil
		}
		if err != nil {
			return nil, err
		}
		if len(bytes.TrimSpace(doc)) > 0 {
			docs = append(docs, doc)
		}
	}
}

// decode reads a document into its internal type, strictly and with defaults.
func decode[T any](codecs serializer.CodecFactory, doc []byte) (T, error) {
	var none T
	object, kind, err := codecs.UniversalDecoder().Decode(doc, nil, nil)
	if err != nil {
		return none, err
	}
	got, ok := object.(T)
	if !ok {
		return none, fmt.Errorf("%s is not what is read there", kind)
	}
	return got, nil
}

func judgeKubelet(doc []byte, args []string) (string, error) {
	_, codecs, err := kubeletscheme.NewSchemeAndCodecs(serializer.EnableStrict)
	if err != nil {
		return "", err
	}
	c, err := decode[*kubeletapi.KubeletConfiguration](*codecs, doc)
	if err != nil {
		return "", err
	}
	if err := kubeletvalidation.ValidateKubeletConfiguration(c, utilfeature.DefaultFeatureGate); err != nil {
		return "", err
	}
	if len(args) == 0 {
		return "KubeletConfiguration", nil
	}
	m, err := parseMachine(args)
	if err != nil {
		return "", err
	}
	return "KubeletConfiguration on " + m.String(), m.fits(c)
}

// judgeAdmission judges the plugin's configuration inside too.
func judgeAdmission(doc []byte, _ []string) (string, error) {
	scheme := runtime.NewScheme()
	if err := errors.Join(apiserverapi.AddToScheme(scheme), apiserverapiv1.AddToScheme(scheme)); err != nil {
		return "", err
	}
	c, err := decode[*apiserverapi.AdmissionConfiguration](serializer.NewCodecFactory(scheme, serializer.EnableStrict), doc)
	if err != nil {
		return "", err
	}
	for _, p := range c.Plugins {
		if p.Name != "PodSecurity" || p.Configuration == nil {
			return "", fmt.Errorf("plugin %q has no configuration that is judged here", p.Name)
		}
		security, err := podsecurityload.LoadFromData(p.Configuration.Raw)
		if err == nil {
			err = podsecurityvalidation.ValidatePodSecurityConfiguration(security).ToAggregate()
		}
		if err != nil {
			return "", fmt.Errorf("plugin %s: %w", p.Name, err)
		}
	}
	return fmt.Sprintf("AdmissionConfiguration of %d plugin", len(c.Plugins)), nil
}

func judgeEncryption(doc []byte, _ []string) (string, error) {
	scheme := runtime.NewScheme()
	if err := errors.Join(encryptionapi.AddToScheme(scheme), encryptionapiv1.AddToScheme(scheme)); err != nil {
		return "", err
	}
	c, err := decode[*encryptionapi.EncryptionConfiguration](serializer.NewCodecFactory(scheme, serializer.EnableStrict), doc)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("EncryptionConfiguration of %d group", len(c.Resources)), encryptionvalidation.ValidateEncryptionConfiguration(c, false).ToAggregate()
}

func judgeAudit(doc []byte, _ []string) (string, error) {
	c, err := decode[*auditapi.Policy](serializer.NewCodecFactory(audit.Scheme, serializer.EnableStrict), doc)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("audit Policy of %d rules", len(c.Rules)), auditvalidation.ValidatePolicy(c).ToAggregate()
}
