/** One of Azure's clouds, each a world of its own. */
export interface AzureCloud {
  /** Where people and programs sign in. */
  readonly authority: string;
  /** What a token must be for, so that registries take it. */
  readonly resource: string;
}

const CLOUDS: Readonly<Record<string, AzureCloud>> = {
  io: { authority: "https://login.microsoftonline.com", resource: "https://containerregistry.azure.net" },
  cn: { authority: "https://login.chinacloudapi.cn", resource: "https://management.chinacloudapi.cn" },
  us: { authority: "https://login.microsoftonline.us", resource: "https://management.usgovcloudapi.net" },
  de: { authority: "https://login.microsoftonline.de", resource: "https://management.microsoftazure.de" },
};

/** The cloud that a registry is in, `undefined` for one that is not Azure's. */
export function azureCloud(registry: string): AzureCloud | undefined {
  const [, ending] = /^(?:[a-z0-9-]+\.)+azurecr\.(io|cn|us|de)$/.exec(registry) ?? [];
  return ending === undefined ? undefined : CLOUDS[ending];
}
