/** Receipts, and what was saved of them, in words. */
import type { JobView, ReceiptFormat, ReceiptView, SavedReceipts } from '$lib/backend'
import { counted } from '$lib/frame/format'

/** From the window's words to a name every disk can have. */
export function fileName(title: string, format: ReceiptFormat): string {
  if (format === 'bagit') return 'manifest-md5.txt'
  if (format === 'bagit-sha256') return 'manifest-sha256.txt'
  const bare = title
    .normalize('NFKD')
    .replace(/\p{Mark}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 60)
    .replace(/-+$/, '')
  return `${bare ? `receipt-${bare}` : 'receipt'}.${format}`
}

export const FORMATS: { format: ReceiptFormat; label: string; about: string }[] = [
  { format: 'json', label: 'JSON', about: 'For verifying it again later, with Wherry on any computer' },
  { format: 'csv', label: 'CSV table', about: 'For a spreadsheet' },
  { format: 'bagit', label: 'BagIt manifest, MD5', about: 'manifest-md5.txt' },
  { format: 'bagit-sha256', label: 'BagIt manifest, SHA-256', about: 'manifest-sha256.txt' },
]

export function savedWords({ files, leftOut }: SavedReceipts): string {
  const saved = `${counted(files, 'receipt')} saved.`
  if (!leftOut) return saved
  return `${saved} ${counted(leftOut, 'file')} ${leftOut === 1 ? 'is' : 'are'} not in it: no checksum of ${leftOut === 1 ? 'it' : 'them'} is known or can be had.`
}

/** Everything a receipt says, for its details. */
export function receiptLines(receipt: ReceiptView): [label: string, value: string][] {
  const lines: [string, string | null][] = [
    ['From', receipt.from],
    ['To', receipt.to],
    ['How it is known', receipt.proof],
    ['MD5', receipt.md5],
    ['SHA-256', receipt.sha256],
    ['CRC-64/NVME', receipt.crc64nvme],
    ['ETag', receipt.etag],
    ['Part size', receipt.partSize === null ? null : counted(receipt.partSize, 'byte')],
    ['Version', receipt.versionId],
  ]
  return lines.filter((line): line is [string, string] => line[1] !== null && line[1] !== '')
}

/** When it ended; one that never began has only that. */
export function endedAt(job: JobView): number {
  return job.ended ?? job.started
}
