/** One of Azure's separate clouds. */
export interface AzureCloud {
  /** The URL of its sign-in server. */
  readonly authority: string;
  /** The resource that a token for registries is issued for. */
  readonly resource: string;
}

const CLOUDS: Readonly<Record<string, AzureCloud>> = {
  io: { authority: "https://login.microsoftonline.com", resource: "https://containerregistry.azure.net" },
  cn: { authority: "https://login.chinacloudapi.cn", resource: "https://management.chinacloudapi.cn" },
  us: { authority: "https://login.microsoftonline.us", resource: "https://management.usgovcloudapi.net" },
  de: { authority: "https://login.microsoftonline.de", resource: "https://management.microsoftazure.de" },
};

/** Returns the cloud of a registry; `undefined` for a registry outside Azure. */
export function azureCloud(registry: string): AzureCloud | undefined {
  const [, ending] = /^(?:[a-z0-9-]+\.)+azurecr\.(io|cn|us|de)$/.exec(registry) ?? [];
  return ending === undefined ? undefined : CLOUDS[ending];
}
