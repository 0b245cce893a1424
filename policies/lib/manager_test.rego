package dualtrack.manager_test

import data.dualtrack.manager

test_pass_sets if {
	every name in ["cloud-controller-manager", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kwok", "kwok-controller"] {
		name in manager.controllers
	}
	every name in ["keda", "keda-operator", "kube-controller-manager"] {
		name in manager.scalers
	}
}

test_pass_human if {
	every name in ["kubectl", "kubectl-edit", "Mozilla/5.0", "Lens", "dashboard", "k9s"] {
		manager.human(name)
	}
	every name in ["my-kubectl", "not Mozilla", "helm"] {
		not manager.human(name)
	}
}
