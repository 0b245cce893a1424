package main

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"runtime"
	"strings"
)

// files are put into the node as they are, by their path.
//
//go:embed all:files
var files embed.FS

const (
	nodePath   = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	imagesPath = "kind/images/components.tar"
	// registry is where kubeadm expects the images of its components.
	registry = "registry.k8s.io/"
)

// programs are the paths of what was built for the node, by name.
type programs struct{ node, etcd, coredns, crictl, pause, inside string }

// versions are the tags that kubeadm asks for.
type versions struct{ kubernetes, etcd, coredns, pause string }

// components makes the images that a node holds from the start.
func components(r *rootfs, p programs, v versions, dir string) ([]image, error) {
	kubernetes, err := kubernetesLayer(r, p.node)
	if err != nil {
		return nil, err
	}
	env := []string{"PATH=/usr/local/bin:/usr/sbin:/sbin"}
	var tags []string
	for _, name := range []string{"kube-apiserver", "kube-controller-manager", "kube-proxy", "kube-scheduler"} {
		tags = append(tags, registry+name+":"+v.kubernetes)
	}
	images := []struct {
		layer *layer
		image image
	}{
		{kubernetes, image{tags: tags, run: runConfig{Env: env}}},
		{newLayer(), image{tags: []string{registry + "etcd:" + v.etcd}, run: runConfig{Env: env}}},
		{newLayer(), image{tags: []string{registry + "coredns/coredns:" + v.coredns}, run: runConfig{Entrypoint: []string{"/coredns"}}}},
		{newLayer(), image{tags: []string{registry + "pause:" + v.pause}, run: runConfig{Entrypoint: []string{"/pause"}}}},
	}
	for i, at := range []struct{ name, from string }{{"usr/local/bin/etcd", p.etcd}, {"coredns", p.coredns}, {"pause", p.pause}} {
		if err := images[i+1].layer.disk(at.name, 0o755, at.from); err != nil {
			return nil, err
		}
	}
	var out []image
	for _, i := range images {
		b, err := i.layer.blob(dir, true)
		if err != nil {
			return nil, err
		}
		i.image.layers = []blob{b}
		out = append(out, i.image)
	}
	return out, nil
}

// kubernetesLayer is one image for all of Kubernetes' programs: kube-proxy's
// iptables costs the others a few megabytes and saves a second copy.
func kubernetesLayer(r *rootfs, node string) (*layer, error) {
	l := newLayer()
	for _, dir := range []string{"etc", "run", "tmp", "var"} {
		l.dir(dir, 0o755)
	}
	l.symlink("lib", "usr/lib")
	l.symlink("sbin", "usr/sbin")
	if err := l.disk("usr/local/bin/node", 0o755, node); err != nil {
		return nil, err
	}
	for _, name := range []string{"kube-apiserver", "kube-controller-manager", "kube-proxy", "kube-scheduler"} {
		l.symlink("usr/local/bin/"+name, "node")
	}
	xtables, err := r.glob("usr/lib/"+triplet()+"/xtables", ".so")
	if err != nil {
		return nil, err
	}
	// iptables loads these while it runs, and they have libraries of their own.
	if err := r.programs(l, []string{"usr/sbin/xtables-nft-multi", "usr/sbin/conntrack"}, xtables); err != nil {
		return nil, err
	}
	for _, name := range []string{"iptables", "ip6tables"} {
		for _, tool := range []string{"", "-save", "-restore"} {
			l.symlink("usr/sbin/"+name+tool, "xtables-nft-multi")
		}
	}
	return l, nil
}

// nodeLayer is what stands on Debian in a node.
func nodeLayer(p programs, v versions, componentTar string) (*layer, error) {
	l := newLayer()
	replace := strings.NewReplacer("{{kubernetes}}", v.kubernetes, "{{pause}}", registry+"pause:"+v.pause)
	err := fs.WalkDir(files, "files", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		to := strings.TrimPrefix(name, "files/")
		mode := int64(0o644)
		if path.Dir(to) == "usr/local/bin" {
			mode = 0o755
		}
		l.text(to, mode, []byte(replace.Replace(string(data))))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("files of the node: %w", err)
	}
	for _, at := range []struct{ name, from string }{
		{"usr/bin/kubelet", p.node}, {"usr/local/bin/crictl", p.crictl}, {"usr/local/bin/podnet", p.inside}, {imagesPath, componentTar},
	} {
		mode := int64(0o755)
		if at.name == imagesPath {
			mode = 0o644
		}
		if err := l.disk(at.name, mode, at.from); err != nil {
			return nil, err
		}
	}
	l.symlink("usr/bin/kubeadm", "kubelet")
	l.symlink("usr/bin/kubectl", "kubelet")
	l.dir("etc/cni/net.d", 0o755)
	l.dir("etc/kubernetes/manifests", 0o755)
	l.dir("var/lib/kubelet", 0o755)
	l.dir("var/lib/containerd", 0o711)
	l.symlink("etc/systemd/system/default.target", "/lib/systemd/system/multi-user.target")
	for _, unit := range []string{"containerd", "kubelet", "podnet"} {
		l.symlink("etc/systemd/system/multi-user.target.wants/"+unit+".service", "../"+unit+".service")
	}
	for _, unit := range []string{"getty@", "console-getty", "systemd-udevd", "systemd-logind", "containerd-stress"} {
		l.symlink("etc/systemd/system/"+unit+".service", "/dev/null")
	}
	return l, nil
}

// balancerLayer is the stand-in for the load balancer that kind starts before
// several control planes: our own balancer, and the shell and few tools with
// which kind writes its configuration.
func balancerLayer(r *rootfs, inside string) (*layer, error) {
	l := newLayer()
	for _, dir := range []string{"etc", "home/envoy", "run", "var"} {
		l.dir(dir, 0o755)
	}
	l.dir("tmp", 0o1777)
	for link, to := range map[string]string{"bin": "usr/bin", "lib": "usr/lib", "sbin": "usr/sbin"} {
		l.symlink(link, to)
	}
	if err := l.disk("usr/local/bin/envoy", 0o755, inside); err != nil {
		return nil, err
	}
	var tools []string
	for _, name := range []string{"bash", "cat", "chmod", "cp", "dash", "kill", "ls", "mkdir", "mv", "rm", "sleep"} {
		tools = append(tools, "usr/bin/"+name)
	}
	l.symlink("usr/bin/sh", "dash")
	return l, r.programs(l, tools, nil)
}

// triplet is Debian's name of this architecture.
func triplet() string {
	if runtime.GOARCH == "arm64" {
		return "aarch64-linux-gnu"
	}
	return "x86_64-linux-gnu"
}
