/** The options of the S3 store, named as in Airbyte's own destinations. An empty text counts as absent. */
export interface S3Location {
  readonly s3_bucket_name: string;
  /** A folder of the bucket; superfluous slashes are ignored. */
  readonly s3_bucket_path?: string;
  readonly s3_bucket_region: string;
  /** The URL of an S3-compatible store; absent for AWS. */
  readonly s3_endpoint?: string;
  /** Set together with `secret_access_key`, or neither; without them, the SDK's default credential chain is used. */
  readonly access_key_id?: string;
  readonly secret_access_key?: string;
}

/** The URL of the bucket, whose host decides which proxy is used. */
export function urlOf({
  s3_bucket_name: bucket,
  s3_bucket_region: region,
  s3_endpoint = '',
}: S3Location): string {
  if (s3_endpoint !== '') return s3_endpoint;
  return `https://${bucket}.s3.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`;
}
