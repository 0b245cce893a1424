{{- /* The Envoy of a pod. Its files are the component envoy-sidecar's. */ -}}
{{- define "order-service.sidecar" -}}
- name: envoy
  image: {{ .Values.sidecar.image }}
  command: [envoy]
  args:
    - --config-path
    - /etc/envoy/envoy.yaml
    - --service-cluster
    - order-service
    - --service-node
    - $(POD_NAME)
    - --service-zone
    - $(SITE)
    - --concurrency
    - "1"
    - --drain-time-s
    - "15"
  env:
    - name: POD_NAME
      valueFrom:
        fieldRef: {fieldPath: metadata.name}
    - name: SITE
      valueFrom:
        configMapKeyRef: {name: site, key: name}
  ports:
    - {name: http, containerPort: 8080}
    - {name: envoy-metrics, containerPort: 9902}
  startupProbe:
    httpGet: {path: /ready, port: envoy-metrics}
    periodSeconds: 1
    failureThreshold: 60
  readinessProbe:
    httpGet: {path: /ready, port: envoy-metrics}
    periodSeconds: 5
    failureThreshold: 2
  livenessProbe:
    httpGet: {path: /hot_restart_version, port: envoy-metrics}
    periodSeconds: 15
    timeoutSeconds: 3
    failureThreshold: 3
  lifecycle:
    preStop:
      # It outlives the service beside it, which ends its last requests first.
      exec:
        command: [/bin/sleep, "15"]
  resources:
    requests: {cpu: 100m, memory: 64Mi}
    limits: {memory: 160Mi}
  securityContext:
    allowPrivilegeEscalation: false
    readOnlyRootFilesystem: true
    capabilities:
      drop: [ALL]
  volumeMounts:
    - {name: envoy, mountPath: /etc/envoy, readOnly: true}
{{- end -}}
