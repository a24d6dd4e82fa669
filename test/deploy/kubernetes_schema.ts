/** A type of a value: a scalar, a list of one type, a map with values of one type, or an object with these fields. */
type Shape = "string" | "number" | "boolean" | "port" | { list: Shape } | { map: Shape } | { fields: Fields };
type Fields = Readonly<Record<string, Shape>>;

const object = (fields: Fields): Shape => ({ fields });
const list = (of: Shape): Shape => ({ list: of });
const strings = list("string");
const texts: Shape = { map: "string" };
const metadata = object({ name: "string", namespace: "string", labels: texts, annotations: texts });
const labelSelector = object({ matchLabels: texts });
const named = object({ name: "string" });

const probe = object({
  httpGet: object({ path: "string", port: "port" }),
  periodSeconds: "number",
  timeoutSeconds: "number",
  failureThreshold: "number",
});

const container = object({
  name: "string",
  image: "string",
  args: strings,
  envFrom: list(object({ secretRef: named })),
  ports: list(object({ name: "string", containerPort: "number" })),
  readinessProbe: probe,
  livenessProbe: probe,
  resources: object({ requests: texts, limits: texts }),
  securityContext: object({
    allowPrivilegeEscalation: "boolean",
    readOnlyRootFilesystem: "boolean",
    capabilities: object({ drop: strings }),
  }),
  volumeMounts: list(object({ name: "string", mountPath: "string" })),
});

const projected = object({
  sources: list(object({
    configMap: named,
    secret: object({ name: "string", items: list(object({ key: "string", path: "string" })) }),
  })),
});

const podTemplate = object({
  metadata,
  spec: object({
    automountServiceAccountToken: "boolean",
    restartPolicy: "string",
    terminationGracePeriodSeconds: "number",
    securityContext: object({
      runAsNonRoot: "boolean",
      runAsUser: "number",
      runAsGroup: "number",
      fsGroup: "number",
      seccompProfile: object({ type: "string" }),
    }),
    topologySpreadConstraints: list(
      object({ maxSkew: "number", topologyKey: "string", whenUnsatisfiable: "string", labelSelector }),
    ),
    containers: list(container),
    volumes: list(object({ name: "string", projected, emptyDir: object({}) })),
  }),
});

/** The fields of each kind that the manifests use, as the API of Kubernetes 1.32 defines them. */
const KINDS: Fields = {
  "v1 ConfigMap": object({ data: texts }),
  "v1 Service": object({
    spec: object({ selector: texts, ports: list(object({ name: "string", port: "number", targetPort: "port" })) }),
  }),
  "policy/v1 PodDisruptionBudget": object({ spec: object({ maxUnavailable: "port", selector: labelSelector }) }),
  "apps/v1 Deployment": object({
    spec: object({ replicas: "number", selector: labelSelector, template: podTemplate }),
  }),
  "batch/v1 CronJob": object({
    spec: object({
      schedule: "string",
      concurrencyPolicy: "string",
      successfulJobsHistoryLimit: "number",
      failedJobsHistoryLimit: "number",
      jobTemplate: object({ spec: object({ backoffLimit: "number", template: podTemplate }) }),
    }),
  }),
};

/** Lists what an object of a manifest has in another way than the API, by its path. */
export function schemaProblems(value: unknown): string[] {
  const { apiVersion, kind, metadata: about, ...rest } = value as Record<string, unknown>;
  const shape = KINDS[`${apiVersion} ${kind}`];
  if (shape === undefined) return [`${apiVersion} ${kind} is unknown`];
  return [...problems(about, metadata, "metadata"), ...problems(rest, shape, "")];
}

function problems(value: unknown, shape: Shape, path: string): string[] {
  if (shape === "port") return typeof value === "string" || Number.isInteger(value) ? [] : [`${path} is no port`];
  if (shape === "number") return Number.isInteger(value) ? [] : [`${path} is no whole number`];
  const type: string = typeof value;
  if (typeof shape === "string") return type === shape ? [] : [`${path} is no ${shape}`];
  if ("list" in shape) {
    if (!Array.isArray(value)) return [`${path} is no list`];
    return value.flatMap((item, at) => problems(item, shape.list, `${path}[${at}]`));
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [`${path} is no object`];
  return Object.entries(value).flatMap(([name, item]) => {
    const of = "map" in shape ? shape.map : Object.hasOwn(shape.fields, name) ? shape.fields[name] : undefined;
    const at = path === "" ? name : `${path}.${name}`;
    return of === undefined ? [`${at} is unknown`] : problems(item, of, at);
  });
}
