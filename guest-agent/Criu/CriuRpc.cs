using System.Text;

namespace Watari.GuestAgent.Criu;

/// <summary>enum criu_req_type of criu's images/rpc.proto.</summary>
internal enum CriuRequestType
{
    Empty = 0,
    Dump = 1,
    Restore = 2,
    Check = 3,
    PreDump = 4,
    PageServer = 5,
    Notify = 6,
    Version = 10,
}

/// <summary>A message criu_req: what runc asks of <c>criu swrk</c>. Field numbers are those of images/rpc.proto.</summary>
/// <param name="Type">What is asked.</param>
/// <param name="ImagesDirectory">opts.images_dir_fd: a descriptor of the asking process; null if there is none.</param>
/// <param name="WorkDirectory">opts.work_dir_fd, likewise.</param>
internal readonly record struct CriuRequest(CriuRequestType Type, int? ImagesDirectory, int? WorkDirectory)
{
    private const int TypeField = 1, OptsField = 2, NotifySuccessField = 3;
    private const int ImagesDirFd = 1, LogLevel = 9, LogFile = 10, NotifyScripts = 12, WorkDirFd = 17;
    private const int TcpEstablished = 5, ExtUnixSk = 4, FileLocks = 8, ManageCgroupsMode = 34;

    /// <exception cref="InvalidDataException">No criu_req.</exception>
    public static CriuRequest Parse(ReadOnlySpan<byte> message)
    {
        CriuRequest request = default;
        ProtoReader fields = new(message);
        while (fields.TryRead(out ProtoField field))
        {
            if (field is { Id: TypeField, WireType: ProtoReader.Varint })
                request = request with { Type = (CriuRequestType)field.Number };
            if (field is not { Id: OptsField, WireType: ProtoReader.Length })
                continue;
            ProtoReader opts = new(field.Bytes);
            while (opts.TryRead(out ProtoField opt))
            {
                if (opt is { Id: ImagesDirFd, WireType: ProtoReader.Varint })
                    request = request with { ImagesDirectory = (int)opt.Number };
                if (opt is { Id: WorkDirFd, WireType: ProtoReader.Varint })
                    request = request with { WorkDirectory = (int)opt.Number };
            }
        }
        return request;
    }

    /// <summary>The same message with other descriptors for its directories: criu opens them as /proc/PEER/fd/N, and the relay is criu's peer, not runc.</summary>
    public static byte[] WithDirectories(ReadOnlySpan<byte> message, int images, int? work)
    {
        ProtoWriter changed = new();
        ProtoReader fields = new(message);
        while (fields.TryRead(out ProtoField field))
        {
            if (field is not { Id: OptsField, WireType: ProtoReader.Length })
            {
                changed.Raw(field.Raw);
                continue;
            }
            ProtoWriter opts = new();
            ProtoReader old = new(field.Bytes);
            while (old.TryRead(out ProtoField opt))
            {
                if (opt.Id == ImagesDirFd)
                    opts.Number(ImagesDirFd, images);
                else if (opt.Id == WorkDirFd && work is { } fd)
                    opts.Number(WorkDirFd, fd);
                else
                    opts.Raw(opt.Raw);
            }
            changed.Bytes(OptsField, opts.ToArray());
        }
        return changed.ToArray();
    }

    /// <summary>The order to restore a plain process tree: its tasks stay in criu's cgroup (manage_cgroups_mode IGNORE), its log is restore.log of the work directory.</summary>
    public static byte[] RestoreTree(int images, int work, bool tcpEstablished, bool extUnixSk, bool fileLocks)
    {
        const int debug = 4, ignore = 0;
        ProtoWriter opts = new ProtoWriter()
            .Number(ImagesDirFd, images)
            .Number(ExtUnixSk, extUnixSk ? 1 : 0)
            .Number(TcpEstablished, tcpEstablished ? 1 : 0)
            .Number(FileLocks, fileLocks ? 1 : 0)
            .Number(LogLevel, debug)
            .Bytes(LogFile, "restore.log"u8)
            .Number(NotifyScripts, 1)
            .Number(WorkDirFd, work)
            .Number(ManageCgroupsMode, ignore);
        return new ProtoWriter().Number(TypeField, (long)CriuRequestType.Restore).Bytes(OptsField, opts.ToArray()).ToArray();
    }

    /// <summary>The answer to a notification.</summary>
    public static byte[] NotifyDone() => new ProtoWriter().Number(TypeField, (long)CriuRequestType.Notify).Number(NotifySuccessField, 1).ToArray();
}

/// <summary>A message criu_resp: what <c>criu swrk</c> answers, or tells of on its way.</summary>
/// <param name="Type">To what.</param>
/// <param name="Success">It did it.</param>
/// <param name="Script">notify.script: which point it has come to, as "pre-resume"; null in other answers.</param>
/// <param name="Pid">restore.pid or notify.pid: the first restored process, as criu's pid namespace numbers it; 0 where there is none.</param>
/// <param name="Error">cr_errmsg, and cr_errno's number; empty where there is none.</param>
internal readonly record struct CriuResponse(CriuRequestType Type, bool Success, string? Script, int Pid, string Error)
{
    public const string PreResume = "pre-resume";

    private const int TypeField = 1, SuccessField = 2, RestoreField = 4, NotifyField = 5, ErrnoField = 7, MessageField = 9;

    /// <exception cref="InvalidDataException">No criu_resp.</exception>
    public static CriuResponse Parse(ReadOnlySpan<byte> message)
    {
        CriuResponse response = new(CriuRequestType.Empty, false, null, 0, "");
        ProtoReader fields = new(message);
        while (fields.TryRead(out ProtoField field))
        {
            response = field.Id switch
            {
                TypeField => response with { Type = (CriuRequestType)field.Number },
                SuccessField => response with { Success = field.Number != 0 },
                RestoreField => response with { Pid = (int)NumberOf(field.Bytes, 1) },
                NotifyField => response with { Script = TextOf(field.Bytes, 1), Pid = (int)NumberOf(field.Bytes, 2) },
                ErrnoField => response with { Error = $"errno {(int)field.Number} {response.Error}".Trim() },
                MessageField => response with { Error = $"{response.Error} {Encoding.UTF8.GetString(field.Bytes)}".Trim() },
                _ => response,
            };
        }
        return response;
    }

    private static ulong NumberOf(ReadOnlySpan<byte> message, int id)
    {
        ProtoReader fields = new(message);
        while (fields.TryRead(out ProtoField field))
        {
            if (field.Id == id)
                return field.Number;
        }
        return 0;
    }

    private static string? TextOf(ReadOnlySpan<byte> message, int id)
    {
        ProtoReader fields = new(message);
        while (fields.TryRead(out ProtoField field))
        {
            if (field.Id == id)
                return Encoding.UTF8.GetString(field.Bytes);
        }
        return null;
    }
}
