package dualtrack.rules.dt_sec_019_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_sec_019

said(path) := {f.message | some f in findings} if {
	findings := dt_sec_019.findings with input as fx.pod({"volumes": [{"name": "v", "hostPath": {"path": path}}]}) with data.context as fx.facts
}

reaches(path, what) if said(path) == {sprintf("path %q of the node reaches %s", [path, what])}

test_pass_others if {
	every path in ["/var/log/pods", "/run/cilium", "/var/run/cilium", "/opt/cni/bin", "/var/lib/kubelet-plugins", "/etc/kubernetes-other", "/runner"] {
		said(path) == set()
	}
}

test_pass_no_path if {
	findings := dt_sec_019.findings with input as fx.pod({"volumes": [{"name": "v", "emptyDir": {}}, {"hostPath": {"path": 5}}, "odd"]}) with data.context as fx.facts
	findings == set()
}

test_fail_sockets if {
	reaches("/var/run/docker.sock", "/run/docker.sock")
	reaches("/run/docker.sock", "/run/docker.sock")
	reaches("/run/containerd/containerd.sock", "/run/containerd/containerd.sock")
	reaches("/var/run/crio/crio.sock", "/run/crio/crio.sock")
}

test_fail_folders if {
	reaches("/var/lib/kubelet", "/var/lib/kubelet")
	reaches("/etc/kubernetes/pki", "/etc/kubernetes")
	reaches("/var/lib/kubelet/pods", "/var/lib/kubelet")
}

test_fail_folders_above if {
	reaches("/", "/etc/kubernetes")
	reaches("/run", "/run/containerd/containerd.sock")
	reaches("/var/run", "/run/containerd/containerd.sock")
	reaches("/run/containerd", "/run/containerd/containerd.sock")
	reaches("/var", "/run/containerd/containerd.sock")
	reaches("/var/lib", "/var/lib/containerd")
	reaches("/etc", "/etc/kubernetes")
}

test_fail_disguised if {
	reaches("//var//run/./docker.sock/", "/run/docker.sock")
	reaches("/etc/./kubernetes/", "/etc/kubernetes")
}

test_fail_back if said("/var/log/../lib/kubelet") == {`path "/var/log/../lib/kubelet" of the node goes back through ".."`}

test_fail_volume if {
	findings := dt_sec_019.findings with data.context as fx.facts with input as fx.of({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "a"}, "spec": {"hostPath": {"path": "/etc"}, "local": {"path": "/run"}}})
	fx.pointers(findings) == {"/spec/hostPath/path", "/spec/local/path"}
}

test_pass_volume if {
	findings := dt_sec_019.findings with data.context as fx.facts with input as fx.of({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "a"}, "spec": {"csi": {}}})
	findings == set()
}

test_fail_param if {
	findings := dt_sec_019.findings with data.context as fx.and_facts({"params": {"DT-SEC-019": {"paths": ["/srv"]}}}) with input as fx.pod({"volumes": [{"hostPath": {"path": "/srv/a"}}, {"hostPath": {"path": "/etc"}}]})
	fx.pointers(findings) == {"/spec/volumes/0/hostPath/path"}
}

test_fail_each_path if {
	every path in [
		"/etc/kubernetes",
		"/run/containerd/containerd.sock",
		"/run/crio/crio.sock",
		"/run/docker.sock",
		"/run/k3s/containerd/containerd.sock",
		"/var/lib/containerd",
		"/var/lib/docker",
		"/var/lib/etcd",
		"/var/lib/kubelet",
	] {
		reaches(path, path)
		reaches(sprintf("%s/a", [path]), path)
		said(sprintf("%s-a", [path])) == set()
		said(sprintf("/srv%s", [path])) == set()
		said(sprintf("/srv%s/a", [path])) == set()
	}
}

# A path that ends like one of them, or stands within one of them, is another one.
test_pass_parts if {
	every path in ["/kubernetes", "/lib", "/containerd", "/containerd.sock", "/srv/var/run/docker.sock"] {
		said(path) == set()
	}
}

# /var/run is /run; /var/runner is not, nor is another folder's var/run.
test_pass_runner if {
	tuned(["/a/var/run/b"], "/var/a/var/run/b") == set()
	tuned(["/var/a"], "/var/a/var/run/b") == {`path "/var/a/var/run/b" of the node reaches /var/a`}
	tuned(["/run"], "/var/run/a/var/run") == {`path "/var/run/a/var/run" of the node reaches /run`}
	said("/var/runner/docker.sock") == set()
	said("/var/run-a") == set()
}

tuned(paths, path) := {f.message | some f in findings} if {
	findings := dt_sec_019.findings with data.context as fx.and_facts({"params": {"DT-SEC-019": {"paths": paths}}}) with input as fx.pod({"volumes": [{"hostPath": {"path": path}}]})
}

test_pass_var_above_others if {
	tuned(["/srv/run/a"], "/var") == set()
	tuned(["/run/a"], "/var") == {`path "/var" of the node reaches /run/a`}
	tuned(["/var/lib/a"], "/lib/a") == set()
}

test_fail_whole if {
	findings := dt_sec_019.findings with input as fx.pod({"volumes": [{"hostPath": {"path": "/a/.."}}, {"hostPath": {"path": "/etc"}}]}) with data.context as fx.facts
	findings == {
		{"pointer": "/spec/volumes/0/hostPath/path", "message": `path "/a/.." of the node goes back through ".."`, "mend": "write the path itself"},
		{"pointer": "/spec/volumes/1/hostPath/path", "message": "path \"/etc\" of the node reaches /etc/kubernetes"},
	}
}

test_pass_other_kind if {
	findings := dt_sec_019.findings with data.context as fx.facts with input as fx.of({"apiVersion": "x.example/v1", "kind": "Disk", "spec": {"local": {"path": "/etc"}}})
	findings == set()
}

test_pass_volume_of_wrong_type if {
	findings := dt_sec_019.findings with data.context as fx.facts with input as fx.of({"apiVersion": "v1", "kind": "PersistentVolume", "spec": {"local": {"path": 5}}})
	findings == set()
}
