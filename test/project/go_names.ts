// The exported names of github.com/google/go-containerregistry by package, without the counting methods of its fakes.

export const goNames: Readonly<Record<string, string>> = {
  "pkg/authn": "Anonymous AuthConfig AuthConfig.MarshalJSON AuthConfig.UnmarshalJSON Authenticator Authorization " +
    "Basic Basic.Authorization Bearer Bearer.Authorization ContextAuthenticator ContextKeychain " +
    "DefaultAuthKey DefaultKeychain FromConfig Helper Keychain NewKeychainFromHelper NewMultiKeychain " +
    "RefreshingKeychain Resolve Resource",
  "pkg/authn/github": "Keychain",
  "pkg/authn/k8schain": "New NewFromPullSecrets NewInCluster NewNoClient Options",
  "pkg/authn/kubernetes": "New NewFromPullSecrets NewInCluster NoServiceAccount Options",
  "pkg/compression": "Compression GZip None ZStd",
  "pkg/crane": "Append Catalog Config Copy CopyRepository Delete Digest ErrRefusingToClobberExistingTag Export Get " +
    "GetOptions Head Image Insecure Layer ListTags Load LoadTag Manifest MultiSave MultiSaveLegacy " +
    "MultiSaveOCI Option Options Pull PullLayer Push Save SaveLegacy SaveOCI Tag Upload WithAuth " +
    "WithAuthFromKeychain WithContext WithJobs WithNoClobber WithNondistributable WithPlatform " +
    "WithTransport WithUserAgent",
  "pkg/gcrane": "Copy CopyRepository GCRBackoff Keychain Option WithAuth WithContext WithJobs WithKeychain " +
    "WithPlatform WithTransport WithUserAgent",
  "pkg/legacy": "LayerConfigFile",
  "pkg/legacy/tarball": "MultiWrite Write",
  "pkg/logs": "Debug Enabled Progress Warn",
  "pkg/name": "DefaultRegistry DefaultTag Digest Digest.Context Digest.DigestStr Digest.Identifier " +
    "Digest.MarshalJSON Digest.MarshalText Digest.Name Digest.String Digest.UnmarshalJSON " +
    "Digest.UnmarshalText ErrBadName ErrBadName.Error ErrBadName.Is Insecure IsErrBadName " +
    "MustParseReference NewDigest NewInsecureRegistry NewRegistry NewRepository NewTag Option OptionFn " +
    "ParseReference Reference Registry Registry.MarshalJSON Registry.MarshalText Registry.Name " +
    "Registry.RegistryStr Registry.Repo Registry.Scheme Registry.Scope Registry.String " +
    "Registry.UnmarshalJSON Registry.UnmarshalText Repository Repository.Digest Repository.MarshalJSON " +
    "Repository.MarshalText Repository.Name Repository.RepositoryStr Repository.Scope Repository.String " +
    "Repository.Tag Repository.UnmarshalJSON Repository.UnmarshalText StrictValidation Tag Tag.Context " +
    "Tag.Identifier Tag.MarshalJSON Tag.MarshalText Tag.Name Tag.Scope Tag.String Tag.TagStr " +
    "Tag.UnmarshalJSON Tag.UnmarshalText WeakValidation WithDefaultRegistry WithDefaultTag",
  "pkg/registry": "BlobDeleteHandler BlobHandler BlobPutHandler BlobStatHandler ErrNotFound Logger New " +
    "NewDiskBlobHandler NewInMemoryBlobHandler Option RedirectError RedirectError.Error TLS " +
    "WithBlobHandler WithReferrersSupport WithWarning",
  "pkg/v1": "Config ConfigFile ConfigFile.Platform Descriptor Hash Hash.MarshalJSON Hash.MarshalText Hash.String " +
    "Hash.UnmarshalJSON Hash.UnmarshalText Hasher HealthConfig History Image ImageIndex IndexManifest " +
    "Layer Manifest NewHash ParseConfigFile ParseIndexManifest ParseManifest ParsePlatform Platform " +
    "Platform.Equals Platform.Satisfies Platform.String RootFS SHA256 Time Time.DeepCopyInto Update",
  "pkg/v1/cache": "Cache ErrNotFound Image ImageIndex NewFilesystemCache ReadOnly",
  "pkg/v1/compare": "Images Indexes Layers",
  "pkg/v1/daemon":
    "Client Image ImageOption Option Tag WithBufferedOpener WithClient WithContext WithFileBufferedOpener " +
    "WithUnbufferedOpener Write",
  "pkg/v1/empty": "Image Index",
  "pkg/v1/fake": "FakeImage FakeImageIndex",
  "pkg/v1/google":
    "Keychain List ManifestInfo ManifestInfo.MarshalJSON ManifestInfo.UnmarshalJSON NewEnvAuthenticator " +
    "NewGcloudAuthenticator NewJSONKeyAuthenticator NewTokenAuthenticator NewTokenSourceAuthenticator " +
    "Option Tags Walk WalkFunc WithAuth WithAuthFromKeychain WithContext WithTransport WithUserAgent",
  "pkg/v1/layout": "FromPath ImageIndexFromPath Option Path Path.AppendDescriptor Path.AppendImage Path.AppendIndex " +
    "Path.Blob Path.Bytes Path.GarbageCollect Path.Image Path.ImageIndex Path.RemoveBlob " +
    "Path.RemoveDescriptors Path.ReplaceImage Path.ReplaceIndex Path.WriteBlob Path.WriteFile " +
    "Path.WriteImage Path.WriteIndex WithAnnotations WithPlatform WithURLs Write",
  "pkg/v1/match": "Annotation Digests Matcher MediaTypes Name Platforms",
  "pkg/v1/mutate": "Addendum Annotations Append AppendLayers AppendManifests Appendable Canonical Config ConfigFile " +
    "ConfigMediaType CreatedAt Extract IndexAddendum IndexMediaType MediaType Rebase RemoveManifests " +
    "Subject Time",
  "pkg/v1/partial": "ArtifactType BlobDescriptor BlobSize BlobToDiffID CompressedImageCore CompressedLayer " +
    "CompressedToImage CompressedToLayer ComputeManifests ConfigFile ConfigLayer ConfigName Describable " +
    "Descriptor DiffIDToBlob DiffIDs Digest Exists FSLayers FindImages FindIndexes FindManifests " +
    "ImageCore Manifest Manifests RawConfigFile RawManifest Size UncompressedImageCore UncompressedLayer " +
    "UncompressedSize UncompressedToImage UncompressedToLayer WithConfigFile WithDiffID WithManifest " +
    "WithManifestAndConfigFile WithRawConfigFile WithRawManifest",
  "pkg/v1/random": "Image Index Layer Option WithSource",
  "pkg/v1/remote": "Backoff Catalog CatalogPage Catalogger Catalogger.HasNext Catalogger.Next Catalogs " +
    "CheckPushPermission DefaultTransport Delete Descriptor Descriptor.Image Descriptor.ImageIndex " +
    "Descriptor.RawManifest Descriptor.Schema1 ErrSchema1 Get Head Image Index Layer List ListWithContext " +
    "Lister Lister.HasNext Lister.Next MountableLayer MountableLayer.Descriptor MountableLayer.Exists " +
    "MultiWrite NewPuller NewPusher Option Puller Puller.Catalog Puller.Catalogger Puller.Get Puller.Head " +
    "Puller.Layer Puller.List Puller.Lister Push Pusher Pusher.Delete Pusher.Push Pusher.Put " +
    "Pusher.Upload Put Referrers Reuse Tag Taggable Tags WithAuth WithAuthFromKeychain WithContext " +
    "WithFilter WithJobs WithNondistributable WithPageSize WithPlatform WithProgress " +
    "WithReferrersTagFallback WithRetryBackoff WithRetryPredicate WithRetryStatusCodes WithTransport " +
    "WithUserAgent Write WriteIndex WriteLayer",
  "pkg/v1/remote/transport":
    "Backoff BlobUnknownErrorCode BlobUploadInvalidErrorCode BlobUploadUnknownErrorCode CatalogScope " +
    "Challenge CheckError DeleteScope DeniedErrorCode Diagnostic Diagnostic.String DigestInvalidErrorCode " +
    "Error Error.Error Error.Temporary ErrorCode Exchange FromToken ManifestBlobUnknownErrorCode " +
    "ManifestInvalidErrorCode ManifestUnknownErrorCode ManifestUnverifiedErrorCode NameInvalidErrorCode " +
    "NameUnknownErrorCode New NewLogger NewRetry NewUserAgent NewWithContext Option Ping PullScope " +
    "PushScope SizeInvalidErrorCode TagInvalidErrorCode Token TooManyRequestsErrorCode " +
    "UnauthorizedErrorCode UnavailableErrorCode UnknownErrorCode UnsupportedErrorCode Version " +
    "WithRetryBackoff WithRetryPredicate WithRetryStatusCodes Wrapper Wrapper.RoundTrip",
  "pkg/v1/static": "NewLayer",
  "pkg/v1/stream": "ErrConsumed ErrNotComputed Layer Layer.Compressed Layer.DiffID Layer.Digest Layer.MediaType " +
    "Layer.Size Layer.Uncompressed LayerOption NewLayer WithCompressionLevel WithMediaType",
  "pkg/v1/tarball": "CalculateSize ComputeManifest Descriptor Image ImageFromPath LayerFromFile LayerFromOpener " +
    "LayerFromReader LayerOption LoadManifest Manifest MultiRefWrite MultiRefWriteToFile MultiWrite " +
    "MultiWriteToFile Opener WithCompressedCaching WithCompression WithCompressionLevel WithEstargz " +
    "WithEstargzOptions WithMediaType WithProgress Write WriteOption WriteToFile",
  "pkg/v1/types": "DockerConfigJSON DockerForeignLayer DockerLayer DockerManifestList DockerManifestSchema1 " +
    "DockerManifestSchema1Signed DockerManifestSchema2 DockerPluginConfig DockerUncompressedLayer " +
    "DockerVendorPrefix MediaType MediaType.IsConfig MediaType.IsDistributable MediaType.IsImage " +
    "MediaType.IsIndex MediaType.IsLayer MediaType.IsSchema1 OCIConfigJSON OCIContentDescriptor " +
    "OCIImageIndex OCILayer OCILayerZStd OCIManifestSchema1 OCIRestrictedLayer OCIUncompressedLayer " +
    "OCIUncompressedRestrictedLayer OCIVendorPrefix",
  "pkg/v1/validate": "Fast Image Index Layer Option",
};
