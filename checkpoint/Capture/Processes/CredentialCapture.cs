using Watari.Checkpoint.Model;
using Watari.Introspection.Tasks;

namespace Watari.Checkpoint.Capture.Processes;

/// <summary>Who a thread acts as.</summary>
internal static class CredentialCapture
{
    private const ulong NoNewPrivileges = 1; // PFA_NO_NEW_PRIVS is bit 0 of task_struct.atomic_flags

    public static Credentials Capture(TaskStruct thread)
    {
        Cred cred = thread.Cred.Value;
        return new Credentials
        {
            Uid = cred.Uid,
            Gid = cred.Gid,
            EffectiveUid = cred.Euid,
            EffectiveGid = cred.Egid,
            SavedUid = cred.Suid,
            SavedGid = cred.Sgid,
            FileSystemUid = cred.Fsuid,
            FileSystemGid = cred.Fsgid,
            Inheritable = cred.CapInheritable,
            Permitted = cred.CapPermitted,
            Effective = cred.CapEffective,
            Bounding = cred.CapBset,
            Ambient = cred.CapAmbient,
            SecureBits = cred.Securebits,
            Groups = [.. cred.GroupInfo.Value.Groups.ToArray()],
            NoNewPrivileges = (thread.AtomicFlags & NoNewPrivileges) != 0,
        };
    }
}
