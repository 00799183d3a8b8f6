/** Named as Airbyte's own destinations name them; an empty text counts as absent. */
export interface S3Location {
  readonly s3_bucket_name: string;
  /** A folder of the bucket; slashes too many don't matter. */
  readonly s3_bucket_path?: string;
  readonly s3_bucket_region: string;
  /** Of a compatible store; absent for AWS. */
  readonly s3_endpoint?: string;
  /** Both or none; without them the SDK's default credential chain is asked. */
  readonly access_key_id?: string;
  readonly secret_access_key?: string;
}

/** Where the store is asked: which proxy leads there goes by the host. */
export function urlOf({
  s3_bucket_name: bucket,
  s3_bucket_region: region,
  s3_endpoint = '',
}: S3Location): string {
  if (s3_endpoint !== '') return s3_endpoint;
  return `https://${bucket}.s3.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`;
}
