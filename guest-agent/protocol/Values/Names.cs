namespace Watari.GuestAgent.Protocol;

/// <summary>What a name must be like before it may become part of a path in the guest.</summary>
internal static class Names
{
    public static bool IsPlain(string? text, int longest, char also = '-')
    {
        if (string.IsNullOrEmpty(text) || text.Length > longest || !char.IsAsciiLetterOrDigit(text[0]))
            return false;
        foreach (char letter in text)
        {
            if (!char.IsAsciiLetterOrDigit(letter) && letter is not ('.' or '_' or '-') && letter != also)
                return false;
        }
        return true;
    }

    /// <summary>The text as it can stand in a message: printable ASCII, at most 80 letters.</summary>
    public static string Quote(string? text)
    {
        if (text is null)
            return "";
        char[] letters = text.Length <= 80 ? text.ToCharArray() : text[..80].ToCharArray();
        for (int i = 0; i < letters.Length; i++)
        {
            if (letters[i] is < ' ' or > '~')
                letters[i] = '?';
        }
        return new string(letters);
    }
}
