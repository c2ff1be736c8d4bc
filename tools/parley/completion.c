/* SPDX-License-Identifier: Apache-2.0 */
/* completion.c - see completion.h.
 *
 * Each shell gets the same facts: the commands, their options with the help of
 * each, and what an option's value or an argument is.
 *
 * Rejected: one hidden command that the shells ask while the user types.  It
 * would run the program at each Tab, and a shell that has another program of
 * this name would run that.
 *
 * Invariant: nothing here names a command or an option. */
#include "completion.h"

#include <stdio.h>
#include <string.h>

#include "commands.h"

static bool is_file(const char *words)
{
    return words != NULL && strcmp(words, "FILE") == 0;
}

static void print_commands(void)
{
    for (size_t i = 0; commands[i] != NULL; i++)
        printf("%s%s", i > 0 ? " " : "", commands[i]->name);
}

/* Call `print` for each option of `c`. */
static void for_each(const struct command *c,
                     void (*print)(const struct opt *o, void *arg), void *arg)
{
    const struct opt *tables[OPT_TABLES];

    options_of(c, tables);
    for (int i = 0; i < OPT_TABLES; i++) {
        for (const struct opt *o = tables[i]; o->name != NULL; o++)
            print(o, arg);
    }
}

/* --- bash --- */

static void print_name(const struct opt *o, void *arg)
{
    (void)arg;
    printf(" --%s", o->name);
    if (o->letter != 0)
        printf(" -%c", o->letter);
}

static void print_if_file(const struct opt *o, void *arg)
{
    if (is_file(o->words))
        print_name(o, arg);
}

static void print_if_valued(const struct opt *o, void *arg)
{
    if (o->value != NULL)
        print_name(o, arg);
}

/* One that has a list of words. */
static void print_words_case(const struct opt *o, void *arg)
{
    (void)arg;
    if (o->words != NULL && !is_file(o->words))
        printf("        [[ $prev != --%s ]] || words='%s'\n", o->name,
               o->words);
}

static void print_argument_words(const struct command *c)
{
    if (c->words != NULL && strcmp(c->words, "COMMAND") == 0)
        print_commands();
    else if (c->words != NULL && !is_file(c->words))
        printf("%s", c->words);
}

static void print_bash_case(const struct command *c)
{
    printf("    %s)\n        options='", c->name);
    for_each(c, print_name, NULL);
    printf(" '\n        files='");
    for_each(c, print_if_file, NULL);
    printf(" '\n        valued='");
    for_each(c, print_if_valued, NULL);
    printf(" '\n        words='");
    print_argument_words(c);
    printf("'\n");
    for_each(c, print_words_case, NULL);
    if (is_file(c->words))
        puts("        takes_files=yes");
    puts("        ;;");
}

void print_bash_completion(void)
{
    puts("# bash completion of parley; made by `parley completion bash`\n"
         "_parley()\n{\n"
         "    local cur=${COMP_WORDS[COMP_CWORD]}\n"
         "    local prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
         "    local command= options= files= valued= words= takes_files= i\n"
         "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
         "        case ${COMP_WORDS[i]} in");
    printf("        ");
    for (size_t i = 0; commands[i] != NULL; i++)
        printf("%s%s", i > 0 ? "|" : "", commands[i]->name);
    puts(") command=${COMP_WORDS[i]}; break ;;\n"
         "        esac\n"
         "    done\n"
         "    case $command in");
    for (size_t i = 0; commands[i] != NULL; i++)
        print_bash_case(commands[i]);
    printf("    *)\n        options=' --help -h --version '\n        words='");
    print_commands();
    puts("'\n        ;;\n"
         "    esac\n"
         "    if [[ $files == *\" $prev \"* ]]; then\n"
         "        words= takes_files=yes\n"
         "    elif [[ $cur == -* ]]; then\n"
         "        words=$options takes_files=\n"
         "    elif [[ $valued == *\" $prev \"* && -z $words ]]; then\n"
         "        takes_files=\n"
         "    fi\n"
         "    COMPREPLY=()\n"
         "    if [[ -n $takes_files ]]; then\n"
         "        compopt -o filenames 2>/dev/null\n"
         "        mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
         "    elif [[ -n $words ]]; then\n"
         "        mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
         "    fi\n"
         "}\n"
         "complete -F _parley parley");
}

/* --- zsh --- */

/* In single quotes; what zsh reads in a description has a backslash. */
static void print_quoted(const char *text, const char *special)
{
    for (; *text != '\0'; text++) {
        if (*text == '\'')
            fputs("'\\''", stdout);
        else if (strchr(special, *text) != NULL)
            printf("\\%c", *text);
        else
            putchar(*text);
    }
}

static void print_zsh_option(const struct opt *o, void *arg)
{
    (void)arg;
    fputs("            '", stdout);
    if (o->letter != 0)
        printf("(-%c --%s)'{-%c,--%s}'", o->letter, o->name, o->letter,
               o->name);
    else
        printf("--%s", o->name);
    putchar('[');
    print_quoted(o->help, "[]:\\");
    putchar(']');
    if (o->value != NULL) {
        putchar(':');
        print_quoted(o->value, ":\\");
        putchar(':');
    }
    if (is_file(o->words))
        fputs("_files", stdout);
    else if (o->words != NULL)
        printf("(%s)", o->words);
    fputs("' \\\n", stdout);
}

static void print_zsh_case(const struct command *c)
{
    printf("        %s)\n            _arguments \\\n", c->name);
    for_each(c, print_zsh_option, NULL);
    fputs("            '*:argument:", stdout);
    if (is_file(c->words)) {
        fputs("_files", stdout);
    } else if (c->words != NULL) {
        putchar('(');
        print_argument_words(c);
        putchar(')');
    }
    puts("'\n            ;;");
}

void print_zsh_completion(void)
{
    puts("#compdef parley\n"
         "# zsh completion of parley; made by `parley completion zsh`\n"
         "_parley()\n{\n"
         "    local context state state_descr line\n"
         "    typeset -A opt_args\n"
         "    local -a commands=(");
    for (size_t i = 0; commands[i] != NULL; i++) {
        printf("        '%s:", commands[i]->name);
        print_quoted(commands[i]->summary, ":\\");
        puts("'");
    }
    puts("    )\n"
         "    _arguments -C '(- *)'{-h,--help}'[help]' "
         "'(- *)--version[the version]' \\\n"
         "        '1:command:->command' '*::argument:->argument'\n"
         "    case $state in\n"
         "    command) _describe command commands ;;\n"
         "    argument)\n"
         "        case $words[1] in");
    for (size_t i = 0; commands[i] != NULL; i++)
        print_zsh_case(commands[i]);
    puts("        esac\n"
         "        ;;\n"
         "    esac\n"
         "}\n"
         "_parley \"$@\"");
}

/* --- fish --- */

static void print_fish_option(const struct opt *o, void *arg)
{
    const struct command *c = arg;

    printf("complete -c parley -n '__fish_seen_subcommand_from %s' -l %s",
           c->name, o->name);
    if (o->letter != 0)
        printf(" -s %c", o->letter);
    if (is_file(o->words))
        fputs(" -r -F", stdout);
    else if (o->value != NULL)
        fputs(" -x", stdout);
    if (o->words != NULL && !is_file(o->words))
        printf(" -a '%s'", o->words);
    fputs(" -d '", stdout);
    for (const char *at = o->help; *at != '\0'; at++)
        printf(*at == '\'' || *at == '\\' ? "\\%c" : "%c", *at);
    puts("'");
}

static void print_fish_command(const struct command *c)
{
    printf("complete -c parley -n __fish_use_subcommand -a %s -d '%s'\n",
           c->name, c->summary);
    for_each(c, print_fish_option, (void *)c);
    if (c->words == NULL)
        return;
    printf("complete -c parley -n '__fish_seen_subcommand_from %s' ", c->name);
    if (is_file(c->words)) {
        puts("-F");
    } else {
        fputs("-a '", stdout);
        print_argument_words(c);
        puts("'");
    }
}

void print_fish_completion(void)
{
    puts("# fish completion of parley; made by `parley completion fish`\n"
         "complete -c parley -f\n"
         "complete -c parley -n __fish_use_subcommand -l version "
         "-d 'the version'");
    for (size_t i = 0; commands[i] != NULL; i++)
        print_fish_command(commands[i]);
}
