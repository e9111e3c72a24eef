using System.Text;
using Watari.GuestAgent.Criu;

namespace Watari.GuestAgent.Tests.Agent;

public sealed class CriuRpcTests
{
    // criu_req { type: RESTORE, opts { images_dir_fd: 7, log_level: 4, log_file: "restore.log", work_dir_fd: 8 }, notify_success: true }
    private static readonly byte[] Order = Convert.FromHexString("0802" + "1213" + "0807" + "4804" + "520b" + Convert.ToHexString("restore.log"u8) + "8801" + "08" + "1801");

    [Fact]
    public void An_order_to_restore_names_runcs_directories()
    {
        byte[] order = WithLength(Order);
        Assert.Equal(new CriuRequest(CriuRequestType.Restore, 7, 8), CriuRequest.Parse(order));
    }

    [Fact]
    public void An_order_with_other_directories_is_the_same_order_otherwise()
    {
        byte[] changed = CriuRequest.WithDirectories(WithLength(Order), 300, 301);
        Assert.Equal(new CriuRequest(CriuRequestType.Restore, 300, 301), CriuRequest.Parse(changed));
        Assert.Contains(Convert.ToHexString("restore.log"u8), Convert.ToHexString(changed), StringComparison.Ordinal);
        Assert.EndsWith("1801", Convert.ToHexString(changed), StringComparison.Ordinal);
        Assert.Equal(WithLength(Order), CriuRequest.WithDirectories(changed, 7, 8));
    }

    [Fact]
    public void A_notification_says_where_criu_has_come_to()
    {
        // criu_resp { type: NOTIFY, success: true, notify { script: "pre-resume", pid: 812 } }
        byte[] message = [0x08, 6, 0x10, 1, 0x2a, 15, 0x0a, 10, .. "pre-resume"u8, 0x10, 0xac, 0x06];
        CriuResponse response = CriuResponse.Parse(message);
        Assert.Equal((CriuRequestType.Notify, true, CriuResponse.PreResume, 812), (response.Type, response.Success, response.Script, response.Pid));
    }

    [Fact]
    public void The_words_pre_resume_elsewhere_in_a_message_are_no_notification()
    {
        // criu_resp { type: RESTORE, success: false, cr_errmsg: "no pre-resume" }
        byte[] message = [0x08, 2, 0x10, 0, 0x4a, 13, .. "no pre-resume"u8];
        CriuResponse response = CriuResponse.Parse(message);
        Assert.Null(response.Script);
        Assert.Contains("no pre-resume", response.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_cut_message_is_seen_to_be_cut_wherever_it_ends()
    {
        byte[] order = WithLength(Order);
        for (int length = 1; length < order.Length; length++)
        {
            byte[] cut = order[..length];
            try
            {
                CriuRequest.Parse(cut);
            }
            catch (InvalidDataException)
            {
                continue;
            }
            // Between two fields a message may end.
            Assert.Contains(length, (int[])[2, order.Length - 2]);
        }
    }

    [Fact]
    public void Noise_is_refused_without_an_end_in_sight()
    {
        Random random = new(1);
        byte[] noise = new byte[64];
        for (int round = 0; round < 10_000; round++)
        {
            random.NextBytes(noise);
            try
            {
                CriuResponse.Parse(noise);
            }
            catch (InvalidDataException)
            {
            }
        }
        Assert.Throws<InvalidDataException>(() => CriuResponse.Parse([0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80]));
    }

    [Fact]
    public void The_agents_own_order_reads_back()
    {
        byte[] order = CriuRequest.RestoreTree(5, 6, tcpEstablished: true, extUnixSk: false, fileLocks: true);
        Assert.Equal(new CriuRequest(CriuRequestType.Restore, 5, 6), CriuRequest.Parse(order));
        Assert.Contains("restore.log", Encoding.ASCII.GetString(order), StringComparison.Ordinal);
    }

    [Fact]
    public void Criu_s_statistics_are_read_from_its_file()
    {
        string directory = Directory.CreateTempSubdirectory("watari-").FullName;
        // stats_entry { restore { pages_compared 0, pages_skipped_cow 0, forking_time 1500, restore_time 250000, pages_restored 14221 } }
        byte[] restore = [0x08, 0, 0x10, 0, 0x18, 0xdc, 0x0b, 0x20, 0x90, 0xa1, 0x0f, 0x28, 0x8d, 0x6f];
        byte[] entry = [0x12, (byte)restore.Length, .. restore];
        File.WriteAllBytes(Path.Combine(directory, "stats-restore"), [0x40, 0x59, 0x10, 0x55, 0x06, 0x33, 0x09, 0x57, (byte)entry.Length, 0, 0, 0, .. entry]);
        Assert.Equal(new RestoreStatistics(1.5, 250, 14221), RestoreStatistics.Read(directory));
        Assert.Equal(default, RestoreStatistics.Read(directory + "/nowhere"));
        Directory.Delete(directory, recursive: true);
    }

    // The length of opts (field 2) as it is.
    private static byte[] WithLength(byte[] order)
    {
        byte[] right = [.. order];
        right[3] = (byte)(order.Length - 4 - 2);
        return right;
    }
}
