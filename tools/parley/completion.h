/* SPDX-License-Identifier: Apache-2.0 */
/* completion.h - what shells complete, from the tables of the commands. */
#ifndef PL_TOOL_COMPLETION_H
#define PL_TOOL_COMPLETION_H

/* Print the file that the shell reads, on stdout. */
void print_bash_completion(void);
void print_zsh_completion(void);
void print_fish_completion(void);

#endif
