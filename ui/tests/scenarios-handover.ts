/** Worlds for handing an account over to other tools, and for taking accounts from them. */
import type { ExportRequest, ExportToolView, ExportView, ImportedKeyView, KeysImportView, MergePlanView } from '$lib/backend'
import { openDialog } from '$lib/frame/dialogs.svelte'
import { account } from './fake-data'
import { problem, type Fake, type FakeOptions } from './fake'
import { SECRET, typed, world } from './scenarios-accounts'

const tool = (id: string, name: string, about: string, mergesInto: string | null = null): ExportToolView => ({ id, name, about, mergesInto })

/** As the engine lists them. */
export const tools: ExportToolView[] = [
  tool('aws', 'AWS command line', 'aws s3, and programs built on Amazon’s SDKs', '~/.aws/credentials'),
  tool('rclone', 'rclone', 'copying, syncing and mounting from the command line', '~/.config/rclone/rclone.conf'),
  tool('s3cmd', 's3cmd', 'one store from the command line', '~/.s3cfg'),
  tool('mc', 'MinIO client', 'mc, for any S3 store', '~/.mc/config.json'),
  tool('boto3', 'boto3', 'a Python program of your own'),
  tool('xarray', 's3fs and xarray', 'arrays and tables straight from the store, in Python'),
  tool('s3fs', 's3fs credentials (JSON)', 'the file JASMIN’s examples read their key from'),
  tool('cyberduck', 'Cyberduck bookmark', 'open it, and Cyberduck has the account'),
  tool('cyberduck-profile', 'Cyberduck profile', 'how Cyberduck speaks to this store, for everybody who uses it'),
  tool('winscp', 'WinSCP', 'a session to import, on Windows'),
]

export function exported({ tool, withSecret, entry = 'Ice-cores' }: ExportRequest): ExportView {
  const secret = withSecret ? SECRET : 'PUT-THE-SECRET-ACCESS-KEY-HERE'
  const common = { tool, entry, notes: [] as string[], containsSecret: withSecret, canHoldSecret: true }
  const notes = withSecret ? [] : ['The secret is left out; put it where the capital letters say so.']
  if (tool === 'aws') {
    return {
      ...common,
      notes: [...notes, `Use it with \`aws --profile ${entry} s3 ls\`; it needs version 2.13 of the AWS command line, or 1.29.`],
      files: [
        { place: '~/.aws/credentials', saveAs: 'credentials', text: `[${entry}]\naws_access_key_id = AKIDEXAMPLE42\naws_secret_access_key = ${secret}\n` },
        {
          place: '~/.aws/config',
          saveAs: 'config',
          text: `[profile ${entry}]\nregion = us-east-1\nendpoint_url = https://s3.ice.example.org\nrequest_checksum_calculation = when_required\nresponse_checksum_validation = when_required\ns3 =\n  addressing_style = path\n`,
        },
      ],
    }
  }
  if (tool === 'cyberduck') {
    return {
      ...common,
      containsSecret: false,
      canHoldSecret: false,
      notes: ['Open the Cyberduck profile first: this store’s addresses, signature or plain http are not Cyberduck’s own, and the bookmark refers to it.'],
      files: [{ place: null, saveAs: 'Ice-cores.duck', text: '<?xml version="1.0" encoding="UTF-8"?>\n<plist version="1.0">\n<dict>\n\t<key>Protocol</key>\n\t<string>s3</string>\n</dict>\n</plist>\n' }],
    }
  }
  return {
    ...common,
    notes,
    files: [{ place: tools.find((one) => one.id === tool)?.mergesInto ?? null, saveAs: `${tool}.txt`, text: `[${entry}]\ntype = s3\nsecret_access_key = ${secret}\n` }],
  }
}

export const adds: MergePlanView = {
  changes: [
    { file: '~/.aws/credentials', entry: '[Ice-cores]', change: 'adds', words: 'adds [Ice-cores] to ~/.aws/credentials' },
    { file: '~/.aws/config', entry: '[profile Ice-cores]', change: 'creates', words: 'makes ~/.aws/config with [profile Ice-cores]' },
  ],
  replaces: false,
  nothingToDo: false,
}

export const replaces: MergePlanView = {
  changes: [
    {
      file: '~/.aws/credentials',
      entry: '[Ice-cores]',
      change: 'replaces',
      words: 'replaces [Ice-cores] in ~/.aws/credentials (key AKIDOLDER); the file as it is now is kept beside it',
    },
  ],
  replaces: true,
  nothingToDo: false,
}

export const damaged = problem('export.malformed', '~/.aws/credentials cannot be changed, as it is damaged: line 7 is neither a [section] nor a setting with “=”.', 'It was not changed. Put that line right and try again, or copy the text and add it by hand.', { retry: true })

const entry = (name: string, change: Partial<ImportedKeyView> = {}): ImportedKeyView => ({
  name,
  taken: false,
  endpoint: 'https://s3.example.org',
  region: 'us-east-1',
  provider: 'other',
  providerName: 'Other S3 store',
  signing: null,
  addressing: null,
  accessKeyId: 'AKIDEXAMPLE7',
  hasSecret: true,
  temporary: false,
  notes: [],
  unusable: null,
  ...change,
})

export const found: KeysImportView = {
  import: 'import-9',
  file: '/home/ada/.config/rclone/rclone.conf',
  tool: 'rclone',
  keys: [
    entry('jasmin', { endpoint: 'https://cedadev-o.s3-ext.jc.rl.ac.uk', provider: 'jasmin', providerName: 'JASMIN' }),
    entry('somewhere', { endpoint: null, hasSecret: false, notes: ['The file does not say where the store is: enter its address.'] }),
    entry('drive', { endpoint: null, accessKeyId: null, unusable: 'It is a remote of type “drive”, not s3.' }),
  ],
}

export function handOverHandlers(change: FakeOptions['handlers'] = {}): FakeOptions['handlers'] {
  return {
    export_tools: () => tools,
    export_account: exported,
    merge_plan: () => adds,
    merge_into_tool: () => ({ changes: adds.changes, backups: ['~/.aws/credentials.wherry-backup-20260131-120000'] }),
    save_export: () => null,
    import_keys: () => found,
    add_imported: ({ name }) => account('n1', name),
    forget_import: () => null,
    ...change,
  }
}

const open = (change: FakeOptions['handlers'] = {}) =>
  world([typed()], () => void openDialog({ kind: 'hand-over', account: 't1' }), { handlers: handOverHandlers(change) })

export const scenarios: Record<string, () => Fake> = {
  'hand-over': open(),
  'hand-over-replaces': open({ merge_plan: () => replaces }),
  'hand-over-damaged': open({
    merge_plan: () => {
      throw damaged
    },
  }),
  'import-keys': world([typed()], () => void openDialog({ kind: 'import-keys' }), {
    handlers: handOverHandlers(),
    shell: { pick_file: () => found.file },
  }),
}
